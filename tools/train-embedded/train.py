"""Train the target, or distil drafters from it (--teacher). Resumable: run the same command again.

Workers are processes of one thread each that pull micro-batches from a shared counter: on a busy machine
a slowed core then costs its own share only, and small micro-batches stay in cache. Nothing depends on wall
clock, so the whole process group can be stopped and continued (SIGSTOP, SIGCONT).
Everything in the schedule is a function of step / steps. RUN/steps, when present, overrides --steps at any time.
Several shapes are trained side by side on the same windows, so that a teacher is run once for all.
"""
import argparse
import ctypes
import json
import multiprocessing
import os
import time

import torch

import gguf_io
import model
from optimiser import Optimiser
from sampler import Sampler

SAVE_SECONDS = 150


def learning_rate(peak, step, progress, decay_from):
    """Constant after a short warm-up, then 1 - sqrt down to almost nothing."""
    warm = min(1.0, (step + 1) / 30)
    return peak * warm * (1.0 if progress < decay_from else max(0.0, 1 - ((progress - decay_from) / (1 - decay_from)) ** 0.5) + 0.005)


def save(path, obj):
    torch.save(obj, path + ".new")
    os.replace(path + ".new", path)


class Student:
    """One model in training: float32 weights, their bfloat16 copy, and one gradient accumulator a worker, all in shared memory."""

    def __init__(self, name, start, run, workers):
        self.name, self.shape = name, model.SHAPES[name]
        count = model.parameter_count(self.shape)
        self.flat = torch.zeros(count).share_memory_()
        self.weights_path = f"{run}/{name}.weights.pt"
        if os.path.exists(self.weights_path):
            self.flat.copy_(torch.load(self.weights_path)["flat"])
        else:
            tensors = model.from_gguf(gguf_io.read(start)[1], self.shape)
            for key, w in model.views(self.flat, self.shape).items():
                w.copy_(tensors[key])
        self.half = self.flat.bfloat16().share_memory_()
        self.grads = [torch.zeros(count).share_memory_() for _ in range(workers)]

    def open(self, rank, workers, run):
        """Called in each worker: its views, its share of the optimiser, and the step to go on from."""
        self.leaves = {k: v.detach().requires_grad_() for k, v in model.views(self.half, self.shape).items()}
        self.mine = model.views(self.grads[rank], self.shape)
        self.optimiser = Optimiser(model.views(self.flat, self.shape), model.views(self.grads[0], self.shape), self.shape, rank, workers)
        self.state_path = f"{run}/{self.name}.state.{rank}.pt"
        n = len(self.flat)
        self.slice = slice(n * rank // workers, n * (rank + 1) // workers)
        if not os.path.exists(self.state_path):
            return 0
        saved = torch.load(self.state_path)
        self.optimiser.state = saved["optimiser"]
        return saved["step"]


def worker(rank, a, students, stats, barrier, counter, lock):
    torch.set_num_threads(1)
    sampler = Sampler(a.data, a.seed, a.samples)
    step = [m.open(rank, a.workers, a.run) for m in students][0]
    teacher = None
    if a.teacher:
        shape = model.SHAPES["target"]
        tensors = model.from_gguf(gguf_io.read(a.teacher)[1], shape)
        teacher = ({k: v.bfloat16() for k, v in tensors.items()}, shape)
    last_save = time.process_time()
    began, logged = time.time(), step
    while True:
        if rank == 0:
            try:
                total = int(open(f"{a.run}/steps").read())
            except (OSError, ValueError):
                total = a.steps
            stats.zero_()
            stats[0] = total
            counter.value = 0
        barrier.wait()
        total = int(stats[0])
        if step >= total:
            break
        progress = step / total
        length = 512 if progress < a.long_from else 2048
        rows = max(1, 1024 // length)
        micro_batches = a.batch_tokens // (rows * length)
        for m in students:
            m.grads[rank].zero_()
        while True:
            with lock:
                n = counter.value
                counter.value += 1
            if n >= micro_batches:
                break
            x, y = sampler.batch(step, n * rows, rows, length, progress)
            x, y = torch.from_numpy(x), torch.from_numpy(y)
            taught = model.teach(teacher, x) if teacher else None
            losses = [model.loss_and_gradient(m.leaves, m.shape, x, y, 1.0 / a.batch_tokens, m.mine, taught, a.mix) for m in students]
            with lock:
                stats[2] += int((y >= 0).sum())
                for i, loss in enumerate(losses):
                    stats[3 + i] += loss
        barrier.wait()
        # Sum the workers' gradients slice by slice into the first accumulator.
        for m in students:
            for other in m.grads[1:]:
                m.grads[0][m.slice] += other[m.slice]
        barrier.wait()
        lr = learning_rate(a.lr, step, progress, a.decay_from)
        for m in students:
            m.optimiser.step(step + 1, lr)
        barrier.wait()
        for m in students:
            m.half[m.slice] = m.flat[m.slice].bfloat16()
        step += 1
        if rank == 0 and step % 20 == 0:
            line = {"step": step, "of": total, "lr": round(lr, 6), "length": length, "tokens": step * a.batch_tokens,
                    "tok_per_s": round((step - logged) * a.batch_tokens / (time.time() - began)),
                    **{m.name: round(float(stats[3 + i] / stats[2]), 4) for i, m in enumerate(students)}}
            began, logged = time.time(), step
            with open(f"{a.run}/log.jsonl", "a") as f:
                f.write(json.dumps(line) + "\n")
            print(line, flush=True)
        if rank == 0:
            stats[1] = float(time.process_time() - last_save > SAVE_SECONDS or step >= total)
        barrier.wait()
        # All workers save the same step. A kill between the renames leaves mixed steps; the previous export is then the fallback.
        if stats[1]:
            last_save = time.process_time()
            for m in students:
                save(m.state_path, {"step": step, "optimiser": m.optimiser.state})
                if rank == 0:
                    save(m.weights_path, {"step": step, "flat": m.flat.clone()})
            barrier.wait()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shapes", nargs="+", choices=list(model.SHAPES), required=True)
    p.add_argument("--start", nargs="+", required=True, help="GGUF to start from, one a shape")
    p.add_argument("--data", required=True, help="folder written by prepare.py")
    p.add_argument("--run", required=True, help="folder for checkpoints and the log")
    p.add_argument("--teacher", help="GGUF of the target: distil from it")
    p.add_argument("--samples", help="file written by sample.py")
    p.add_argument("--mix", type=float, default=0.9, help="weight of the teacher's distribution against the data")
    p.add_argument("--steps", type=int, required=True)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--batch-tokens", type=int, default=8192)
    p.add_argument("--long-from", type=float, default=0.78, help="progress at which windows grow from 512 to 2,048")
    p.add_argument("--decay-from", type=float, default=0.75)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--pid-file")
    a = p.parse_args()
    # glibc returns big blocks to the kernel at once by default; the page faults cost a quarter of the time.
    libc = ctypes.CDLL(None)
    m_mmap_threshold, m_trim_threshold = -3, -1
    for option in (m_mmap_threshold, m_trim_threshold):
        libc.mallopt(option, 1 << 30)
    torch.set_num_threads(1)
    os.makedirs(a.run, exist_ok=True)
    students = [Student(name, start, a.run, a.workers) for name, start in zip(a.shapes, a.start)]
    stats = torch.zeros(3 + len(students), dtype=torch.float64).share_memory_()
    barrier, lock, counter = multiprocessing.Barrier(a.workers), multiprocessing.Lock(), multiprocessing.Value("l", 0, lock=False)
    children = [multiprocessing.Process(target=worker, args=(r, a, students, stats, barrier, counter, lock)) for r in range(a.workers)]
    for c in children:
        c.start()
    if a.pid_file:
        with open(a.pid_file, "w") as f:
            f.write("".join(f"{x}\n" for x in [os.getpid()] + [c.pid for c in children]))
    for c in children:
        c.join()
    if any(c.exitcode for c in children):
        raise SystemExit("a worker failed; run the same command again to resume from the last checkpoint")


if __name__ == "__main__":
    main()
