import { useEffect, useState } from "preact/hooks";
import { askJson, inWords } from "../api/client.ts";
import type { Round } from "../api/generate.ts";
import { type Bar, BarChart } from "../charts/bar-chart.tsx";
import { LineChart, type Series, SeriesKey } from "../charts/line-chart.tsx";
import { Heading } from "../parts/fields.tsx";
import { count, ms, percent } from "../parts/format.ts";
import { sourceClass } from "../parts/sources.ts";
import { Wide } from "../parts/wide.tsx";
import { examples } from "../playground/examples.ts";
import { send, session, stop } from "../playground/session.ts";
import { acceptanceByDepth, calibration } from "./acceptance.ts";

interface Curve {
  readonly model: string;
  readonly widths: readonly number[];
  readonly kv: readonly number[];
  readonly ms: readonly (readonly number[])[];
}

export function Costs() {
  const { runs, settings } = session.use();
  const [curve, setCurve] = useState<Curve>();
  const [problem, setProblem] = useState<string>();
  const running = runs.at(-1)?.state === "running";
  const rounds = runs.flatMap((run) => run.rounds);
  // Rounds correct the curve: it is read again after each generation.
  useEffect(() => {
    if (running) return;
    askJson<Curve>(`/studio/api/curve?model=${encodeURIComponent(settings.model)}`)
      .then((answer) => {
        setCurve(answer);
        setProblem(undefined);
      })
      .catch((error: unknown) => setProblem(inWords(error)));
  }, [running, settings.model]);
  return (
    <div class="page">
      <Heading title="Costs & acceptance">
        {running ? (
          <button type="button" class="stop" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="button" class="primary" onClick={() => void send(runs.at(-1)?.prompt ?? examples[0].text)}>
            {runs.length === 0 ? "Generate a sample" : "Generate again"}
          </button>
        )}
      </Heading>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <Tiles rounds={rounds} />
      <div class="charts">
        {curve && <CurveChart curve={curve} rounds={rounds} />}
        <AcceptanceCharts rounds={rounds} />
      </div>
    </div>
  );
}

function Tiles({ rounds }: { readonly rounds: readonly Round[] }) {
  if (rounds.length === 0) return null;
  const sum = (value: (round: Round) => number) => rounds.reduce((total, round) => total + value(round), 0);
  const emitted = sum((round) => round.emitted.length);
  const nodes = sum(({ tree }) => tree.parent.length);
  const accepted = sum(({ path }) => path.length);
  const verify = sum(({ trace }) => trace.verifyMs);
  const draft = sum(({ trace }) => trace.draftMs);
  const tiles = [
    [
      "tokens a round",
      (emitted / rounds.length).toFixed(2),
      `${count(emitted, "token")}, ${count(rounds.length, "round")}`,
    ],
    ["drafts accepted", nodes === 0 ? "-" : percent(accepted / nodes), `${accepted} of ${count(nodes, "node")}`],
    ["time spent drafting", percent(draft / Math.max(draft + verify, 1e-9)), `${ms(draft)} of ${ms(draft + verify)}`],
    ["mean round", ms((draft + verify) / rounds.length), `${ms(verify / rounds.length)} of it verifying`],
  ];
  return (
    <dl class="tiles">
      {tiles.map(([name, value, more]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            <small>{more}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function CurveChart({
  curve: { widths, kv, ms: grid },
  rounds,
}: {
  readonly curve: Curve;
  readonly rounds: readonly Round[];
}) {
  const widest = Math.max(8, ...rounds.map(({ trace }) => trace.width));
  const shown = widths.map((_, i) => i).filter((i) => i === 0 || widths[i - 1] < widest);
  const lines: Series[] = kv.map((rows, j) => ({
    name: rows === 0 ? "empty context" : `after ${rows} tokens`,
    colour: `line-${j % 4}`,
    points: shown.map((i) => [widths[i], grid[i][j]] as const),
  }));
  const measured: Series = {
    name: "rounds of this visit",
    colour: "line-rounds",
    scattered: true,
    points: rounds.slice(-400).map(({ trace }) => [trace.width, trace.verifyMs] as const),
  };
  // One hiccup must not flatten the chart.
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const within = { ...measured, points: measured.points.filter(([, y]) => y <= 1.5 * most) };
  const series = within.points.length > 0 ? [...lines, within] : lines;
  return (
    <Figure
      title="Cost of a forward"
      about="Milliseconds to verify a draft tree of some width. Flat parts are where drafts are nearly free."
      series={series}
    >
      <LineChart
        title="Cost of a forward by its width"
        x="width: 1 + drafted tokens"
        y="milliseconds"
        series={series}
      />
      <details>
        <summary>As a table</summary>
        <Wide title="Milliseconds of a forward by its width">
          <table>
            <thead>
              <tr>
                <th scope="col">width</th>
                {lines.map(({ name }) => (
                  <th scope="col" key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((i) => (
                <tr key={i}>
                  <th scope="row">{widths[i]}</th>
                  {kv.map((rows, j) => (
                    <td key={rows}>{ms(grid[i][j])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </details>
    </Figure>
  );
}

function AcceptanceCharts({ rounds }: { readonly rounds: readonly Round[] }) {
  const byDepth = acceptanceByDepth(rounds);
  const calibrated = calibration(rounds);
  if (byDepth.size === 0) {
    return (
      <div class="card empty">
        <h2>No drafts to judge yet</h2>
        <p>Generate something here or in the playground: acceptance is drawn from its rounds.</p>
      </div>
    );
  }
  const depths: Series[] = [...byDepth].map(([name, points]) => ({ name, colour: sourceClass(name), points }));
  const deepest = Math.max(4, ...depths.flatMap(({ points }) => points.map(([depth]) => depth)));
  const truth: Series[] = [{ name: "drafted tokens, in tenths", colour: "line-0", points: calibrated }];
  return (
    <>
      <Figure
        title="Acceptance by depth"
        about="Of the drafted tokens whose predecessor was accepted, how many were accepted too."
        series={depths}
      >
        <LineChart
          title="Acceptance rate by depth, for each drafter"
          x="depth in the tree"
          y="accepted"
          yMost={1}
          xMost={deepest}
          format={percent}
          series={depths}
        />
      </Figure>
      {calibrated.length > 0 && (
        <Figure
          title="Promised and kept"
          about="The chance that drafters gave their tokens, against the share that came true. On the line, promises are honest."
          series={truth}
        >
          <LineChart
            title="Chance given by drafters against the share accepted"
            x="chance given"
            y="accepted"
            yMost={1}
            xMost={1}
            format={percent}
            series={truth}
            diagonal
          />
        </Figure>
      )}
      <Figure
        title="Tokens a round"
        about="Plain decoding emits one token a round; everything beyond was drafted."
        series={[]}
      >
        <BarChart title="Share of rounds by emitted tokens" x="share of rounds, %" bars={lengthBars(rounds)} />
      </Figure>
    </>
  );
}

const lengthBins = [1, 2, 3, 4, 6, 8, 16, Number.POSITIVE_INFINITY];

/** How many tokens rounds emit, in percent of the rounds. */
function lengthBars(rounds: readonly Round[]): Bar[] {
  return lengthBins.flatMap((most, i) => {
    const least = (lengthBins[i - 1] ?? 0) + 1;
    const within = rounds.filter(({ emitted }) => emitted.length >= least && emitted.length <= most).length;
    const name = most === least ? `${most}` : most > 100 ? `${least} or more` : `${least} to ${most}`;
    const value = (100 * within) / rounds.length;
    return i > 3 && within === 0
      ? []
      : [{ name, colour: i === 0 ? "source-target" : "line-0", value, text: percent(value / 100) }];
  });
}

function Figure(props: {
  readonly title: string;
  readonly about: string;
  readonly series: readonly Series[];
  readonly children: preact.ComponentChildren;
}) {
  return (
    <figure class="card">
      <figcaption>
        <h2>{props.title}</h2>
        <p>{props.about}</p>
      </figcaption>
      {props.children}
      {props.series.length > 0 && <SeriesKey series={props.series} />}
    </figure>
  );
}
