import { label, ticksTo } from "./scale.ts";

export interface Series {
  readonly name: string;
  /** Class that sets `--c`. */
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Single points, without a line. */
  readonly scattered?: boolean;
}

interface Props {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  readonly yMost?: number;
  readonly xMost?: number;
  readonly format?: (y: number) => string;
  /** The line on which x equals y. */
  readonly diagonal?: boolean;
}

const size = { width: 520, height: 280, left: 56, right: 14, top: 14, bottom: 44 };

export function LineChart({ title, x, y, series, yMost, xMost, format = label, diagonal }: Props) {
  const all = series.flatMap(({ points }) => points);
  const xs = ticksTo(xMost ?? Math.max(...all.map(([value]) => value)));
  const ys = ticksTo(yMost ?? Math.max(...all.map(([, value]) => value)));
  const { width, height, left, right, top, bottom } = size;
  const toX = (value: number) => left + (value / (xs.at(-1) as number)) * (width - left - right);
  const toY = (value: number) => height - bottom - (value / (ys.at(-1) as number)) * (height - top - bottom);
  const place = ([a, b]: readonly [number, number]) => `${toX(a).toFixed(1)} ${toY(b).toFixed(1)}`;
  return (
    <svg class="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={title}>
      {ys.map((value) => (
        <g key={value}>
          <path class="grid" d={`M${left} ${toY(value)}H${width - right}`} />
          <text x={left - 8} y={toY(value) + 4} text-anchor="end">
            {format(value)}
          </text>
        </g>
      ))}
      {xs.map((value) => (
        <text key={value} x={toX(value)} y={height - bottom + 18} text-anchor="middle">
          {diagonal ? format(value) : label(value)}
        </text>
      ))}
      <text class="axis" x={(left + width - right) / 2} y={height - 6} text-anchor="middle">
        {x}
      </text>
      <text class="axis" transform={`translate(13 ${(top + height - bottom) / 2}) rotate(-90)`} text-anchor="middle">
        {y}
      </text>
      {diagonal && (
        <path class="diagonal" d={`M${place([0, 0])}L${place([xs.at(-1) as number, ys.at(-1) as number])}`} />
      )}
      {series.map(({ name, colour, points, scattered }) => (
        <g key={name} class={`series ${colour}`}>
          {!scattered && points.length > 1 && <path d={`M${points.map(place).join("L")}`} />}
          {points.map((point, i) => (
            <circle
              key={i}
              class={scattered ? "scattered" : undefined}
              cx={toX(point[0])}
              cy={toY(point[1])}
              r={scattered ? 2.5 : 3.5}
            >
              <title>{`${name}: ${label(point[0])}, ${format(point[1])}`}</title>
            </circle>
          ))}
        </g>
      ))}
    </svg>
  );
}

export function SeriesKey({ series }: { readonly series: readonly Series[] }) {
  return (
    <ul class="key">
      {series.map(({ name, colour, scattered }) => (
        <li key={name}>
          <i class={`${scattered ? "dot" : "dash"} ${colour}`} /> {name}
        </li>
      ))}
    </ul>
  );
}
