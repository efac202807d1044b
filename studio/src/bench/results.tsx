import type { BenchResult } from "../../../src/bench/harness/result.ts";
import { BarChart } from "../charts/bar-chart.tsx";
import { count, rate } from "../parts/format.ts";
import { Icon } from "../parts/icon.tsx";
import { sourceClass } from "../parts/sources.ts";
import { Wide } from "../parts/wide.tsx";

export interface Measured extends Pick<BenchResult, "machine" | "numerics" | "prompts" | "skipped" | "differing"> {
  readonly model: string;
  readonly plainTokensPerSecond: number;
  /** Null where a method could run no prompt. */
  readonly methods: Readonly<Record<string, BenchResult["methods"][string] | null>>;
}

type Summary = NonNullable<Measured["methods"][string]>;

export function Results({ result }: { readonly result: Measured }) {
  const methods = Object.entries(result.methods).filter((entry): entry is [string, Summary] => entry[1] !== null);
  const subtasks = [...new Set(methods.flatMap(([, { subtasks }]) => Object.keys(subtasks)))];
  const differing = Object.values(result.differing).reduce((sum, texts) => sum + texts, 0);
  const colour = (name: string) => (name === "auto" ? "source-auto" : sourceClass(name.split("+")[0]));
  const { cpu, cores, load } = result.machine;
  return (
    <section class="card results" aria-labelledby="results-heading">
      <div class="card-head">
        <h2 id="results-heading">Speed-up over plain decoding</h2>
        <p class={differing === 0 ? "verdict good" : "verdict bad"} role="status">
          <Icon name="check" />
          {differing === 0
            ? "All texts identical to plain decoding"
            : `${count(differing, "text")} differed from plain decoding`}
        </p>
      </div>
      <div class="charts">
        <figure>
          <figcaption class="hint">
            All prompts, prefill included; whiskers: 95 % of resamplings over prompts
          </figcaption>
          <BarChart
            title="Speed-up over plain decoding by method"
            x="times the speed of plain decoding"
            mark={{ at: 1, text: "plain" }}
            bars={methods.map(([name, { overall }]) => ({
              name,
              colour: colour(name),
              value: overall.speedup,
              lo: overall.lo,
              hi: overall.hi,
              text: `${overall.speedup.toFixed(2)}x`,
            }))}
          />
        </figure>
        <figure>
          <figcaption class="hint">Tokens a round: what one forward of the model gives</figcaption>
          <BarChart
            title="Tokens a round by method"
            x="tokens a round"
            mark={{ at: 1, text: "plain" }}
            bars={methods.map(([name, { overall }]) => ({
              name,
              colour: colour(name),
              value: overall.meanEmitted,
              text: overall.meanEmitted.toFixed(2),
            }))}
          />
        </figure>
      </div>
      <Wide title="Speed-up by method and kind of prompt">
        <table>
          <caption class="hidden">Speed-up by method and kind of prompt</caption>
          <thead>
            <tr>
              <th scope="col">Method</th>
              {subtasks.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
              <th scope="col">All</th>
              <th scope="col">Decoding alone</th>
              <th scope="col">Tokens/s</th>
            </tr>
          </thead>
          <tbody>
            {methods.map(([name, { subtasks: cells, overall }]) => (
              <tr key={name}>
                <th scope="row">
                  <i class={`dot ${colour(name)}`} /> {name}
                </th>
                {subtasks.map((subtask) => (
                  <td key={subtask}>{cells[subtask] ? `${cells[subtask].speedup.toFixed(2)}x` : "-"}</td>
                ))}
                <td>
                  <strong>{overall.speedup.toFixed(2)}x</strong>
                </td>
                <td>{overall.decode.speedup.toFixed(2)}x</td>
                <td>{rate(overall.tokensPerSecond)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">
                <i class="dot source-target" /> plain
              </th>
              {subtasks.map((name) => (
                <td key={name}>1.00x</td>
              ))}
              <td>1.00x</td>
              <td>1.00x</td>
              <td>{rate(result.plainTokensPerSecond)}</td>
            </tr>
          </tbody>
        </table>
      </Wide>
      {result.skipped.length > 0 && (
        <details>
          <summary>{count(result.skipped.length, "prompt was", "prompts were")} left out</summary>
          <ul>
            {result.skipped.map(({ prompt, method, reason }) => (
              <li key={`${prompt} ${method}`}>
                Prompt {prompt}
                {method ? `, ${method}` : ""}: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
      <p class="hint">
        {result.model}, {count(result.prompts, "prompt")}, {result.numerics} numerics; {cpu}, {cores} cores, load{" "}
        {load.toFixed(1)} at the start.
      </p>
    </section>
  );
}
