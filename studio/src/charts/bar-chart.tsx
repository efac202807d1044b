import { label, ticksTo } from "./scale.ts";

export interface Bar {
  readonly name: string;
  readonly colour: string;
  readonly value: number;
  /** Ends of an interval around it. */
  readonly lo?: number;
  readonly hi?: number;
  readonly text: string;
}

interface Props {
  readonly title: string;
  readonly x: string;
  readonly bars: readonly Bar[];
  /** A line across, such as the speed of plain decoding. */
  readonly mark?: { readonly at: number; readonly text: string };
}

const size = { width: 520, left: 96, right: 64, top: 24, row: 36, bottom: 44 };

/** Bars that lie, longest names first at the left, values written at their ends. */
export function BarChart({ title, x, bars, mark }: Props) {
  const { width, left, right, top, row, bottom } = size;
  const height = top + bars.length * row + bottom;
  const most = Math.max(mark?.at ?? 0, ...bars.map(({ value, hi }) => hi ?? value));
  const ticks = ticksTo(most);
  const toX = (value: number) => left + (value / (ticks.at(-1) as number)) * (width - left - right);
  const base = height - bottom;
  return (
    <svg class="chart bars" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={title}>
      {ticks.map((value) => (
        <g key={value}>
          <path class="grid" d={`M${toX(value)} ${top}V${base}`} />
          <text x={toX(value)} y={base + 18} text-anchor="middle">
            {label(value)}
          </text>
        </g>
      ))}
      <text class="axis" x={(left + width - right) / 2} y={height - 6} text-anchor="middle">
        {x}
      </text>
      {bars.map(({ name, colour, value, lo, hi, text }, i) => {
        const y = top + i * row;
        const middle = y + row / 2;
        return (
          <g key={name} class={`series ${colour}`}>
            <text x={left - 10} y={middle + 4} text-anchor="end" class="name">
              {name}
            </text>
            <rect x={left} y={y + 6} width={Math.max(1, toX(value) - left)} height={row - 12} rx="4" />
            {lo !== undefined && hi !== undefined && (
              <path
                class="interval"
                d={`M${toX(lo)} ${middle}H${toX(hi)}M${toX(lo)} ${middle - 5}v10M${toX(hi)} ${middle - 5}v10`}
              />
            )}
            <text x={toX(Math.max(value, hi ?? 0)) + 8} y={middle + 4} class="value">
              {text}
            </text>
          </g>
        );
      })}
      {mark && (
        <g class="mark">
          <path d={`M${toX(mark.at)} ${top - 4}V${base}`} />
          <text x={toX(mark.at)} y={top - 9} text-anchor="middle">
            {mark.text}
          </text>
        </g>
      )}
    </svg>
  );
}
