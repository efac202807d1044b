// Devices and back ends: where tensors live and graphs run.
import { DraftwrightError } from "../errors.ts";
import { backendFunction, native, type Pointer, pointerList, prototypes } from "./native.ts";
import type { Tensor } from "./tensor.ts";
import { requireFunction, type ThreadOptions, ThreadPool } from "./threads.ts";

export interface Device {
  /** ggml's name: "CPU", "Vulkan0", "CUDA0", "Metal". */
  readonly name: string;
  readonly description: string;
  readonly kind: "cpu" | "gpu" | "integrated-gpu" | "accelerator";
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** @internal */
  readonly pointer: Pointer;
}

const kinds = ["cpu", "gpu", "integrated-gpu", "accelerator"] as const;

/** The devices of the loaded libraries; the CPU is always among them. */
export function devices(): Device[] {
  const n = native();
  const list: Device[] = [];
  for (let i = 0; i < n.deviceCount(); i++) {
    const pointer = n.device(i);
    const free = new BigUint64Array(1);
    const total = new BigUint64Array(1);
    n.deviceMemory(pointer, free, total);
    list.push({
      name: n.deviceName(pointer),
      description: n.deviceDescription(pointer),
      kind: kinds[n.deviceType(pointer)] ?? "accelerator",
      freeBytes: Number(free[0]),
      totalBytes: Number(total[0]),
      pointer,
    });
  }
  return list;
}

/** Finds a device by name ("cpu" and "gpu" mean the first of that kind). Throws `device-missing`. */
export function findDevice(name = "cpu"): Device {
  const list = devices();
  const wanted = name.toLowerCase();
  const found = list.find((d) => d.name.toLowerCase() === wanted) ?? list.find((d) => d.kind === wanted);
  if (found) return found;
  const hint =
    wanted === "cpu" ? "" : " GPU devices need their package, e.g. `npm install @node-llama-cpp/linux-x64-vulkan`.";
  throw new DraftwrightError(
    "device-missing",
    `there is no device "${name}"; this machine offers ${list.map((d) => d.name).join(", ") || "none"}.${hint}`,
  );
}

/** A device ready to run graphs, with persistent threads on the CPU. Owns native memory: dispose it. */
export class Backend {
  readonly device: Device;
  readonly threads: number;
  #pointer: Pointer;
  #pool: ThreadPool | undefined;
  #setThreads: ((backend: Pointer, threads: number) => void) | undefined;
  #setUseRef: ((backend: Pointer, on: boolean) => void) | undefined;
  #reference = false;

  constructor(device: Device = findDevice(), options: ThreadOptions = {}) {
    const isCpu = device.kind === "cpu";
    this.#pool = isCpu ? ThreadPool.share(device.pointer, options) : undefined;
    const pointer = native().deviceInit(device.pointer, null);
    if (!pointer) {
      this.#pool?.[Symbol.dispose]();
      throw new DraftwrightError("native-failed", `device ${device.name} could not be initialised`);
    }
    this.#pointer = pointer;
    this.device = device;
    this.threads = this.#pool?.threads ?? 1;
    if (!this.#pool) return;
    this.#setThreads = requireFunction(device.pointer, "ggml_backend_set_n_threads", "setThreads");
    this.useThreads(this.threads);
    requireFunction<(b: Pointer, p: Pointer) => void>(
      device.pointer,
      "ggml_backend_cpu_set_threadpool",
      "setThreadpool",
    )(pointer, this.#pool.pointer);
    this.#setUseRef = backendFunction(device.pointer, "ggml_backend_cpu_set_use_ref", prototypes.setUseRef);
  }

  /** @internal */
  get pointer(): Pointer {
    if (!this.#pointer) throw new DraftwrightError("disposed", "this back end was disposed");
    return this.#pointer;
  }

  /** True when the reference kernels can be chosen (`useReference`); they make attention independent of the row count. */
  get hasReference(): boolean {
    return this.#setUseRef !== undefined;
  }

  /** Chooses ggml's reference kernels (no split over KV, no tiles, no fusion) for the following graphs. */
  useReference(on: boolean): void {
    if (on === this.#reference || !this.#setUseRef) return;
    this.#setUseRef(this.pointer, on);
    this.#reference = on;
  }

  /** How many of its threads compute the following graphs: 1 .. `threads`. */
  useThreads(count: number): void {
    this.#setThreads?.(this.pointer, Math.min(count, this.threads));
  }

  /** Whether this device has a kernel for an operation with these operands, where they lie. */
  supports(operation: Tensor): boolean {
    return native().deviceSupports(this.device.pointer, operation.pointer);
  }

  /**
   * Buffer types weights may live in, best first: repacked layouts of the CPU, then the plain one. A repacked layout
   * only takes the tensors and operations it has kernels for.
   */
  bufferTypes(): { readonly repacked: BufferType[]; readonly plain: BufferType } {
    const plain = new BufferType(native().deviceBufferType(this.device.pointer));
    if (this.device.kind !== "cpu") return { repacked: [], plain };
    const extra = backendFunction<(d: Pointer) => Pointer | null>(
      this.device.pointer,
      "ggml_backend_dev_get_extra_bufts",
      prototypes.extraBufferTypes,
    );
    const list = extra?.(this.device.pointer);
    return { repacked: list ? pointerList(list).map((p) => new BufferType(p)) : [], plain };
  }

  [Symbol.dispose](): void {
    if (!this.#pointer) return;
    native().backendFree(this.#pointer);
    this.#pointer = 0n;
    this.#pool?.[Symbol.dispose]();
  }
}

/** A kind of memory of a device. */
export class BufferType {
  /** @internal */
  readonly pointer: Pointer;
  readonly name: string;
  /** Host memory can be written and read in place. */
  readonly isHost: boolean;

  constructor(pointer: Pointer) {
    this.pointer = pointer;
    this.name = native().bufferTypeName(pointer);
    this.isHost = native().bufferTypeIsHost(pointer);
  }
}
