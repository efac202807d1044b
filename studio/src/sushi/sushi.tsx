import {
  type Advice,
  actionNames,
  addDessertPoints,
  addRoundPoints,
  countText,
  faceNames,
  handNames,
  isHandKnown,
  legalActions,
  phaseOf,
  questions,
  type SushiState,
  stockMenus,
  trayText,
  winShares,
} from "../../../src/games/sushi-go/index.ts";
import { Field, Heading, NumberField, TextField } from "../parts/fields.tsx";
import { percent } from "../parts/format.ts";
import { Wide } from "../parts/wide.tsx";
import { adviseOnTable, begin, choose, showHint, sitting, undo } from "./sitting.ts";

export function Sushi() {
  const { menu, players, seed, game, news, hint, table, tableAdvice, problem } = sitting.use();
  return (
    <div class="page">
      <Heading title="Sushi Go Party!" />
      <form
        class="card sushi-setup"
        onSubmit={(event) => {
          event.preventDefault();
          begin();
        }}
      >
        <Field label="Menu">
          {(id) => (
            <select id={id} value={menu} onChange={(event) => sitting.set({ menu: event.currentTarget.value })}>
              {Object.keys(stockMenus).map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <NumberField label="Players" value={players} min={2} max={8} onChange={(n) => sitting.set({ players: n })} />
        <NumberField label="Seed" value={seed} min={0} max={1e9} onChange={(n) => sitting.set({ seed: n })} />
        <button type="submit" class="primary">
          New game
        </button>
      </form>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {game && (
        <section class="card" aria-label="Table">
          <News news={news} players={game.state.setup.players} />
          <Seats s={game.state} />
          <Decision s={game.state} />
          {hint && <AdviceTable advice={hint} />}
        </section>
      )}
      <section class="card" aria-label="Advice for another table">
        <h2>Advice for another table</h2>
        <TextField
          label="Table"
          hint="Seats begin with you and go to the left; docs/games.md has all lines."
          value={table}
          rows={7}
          onChange={(text) => sitting.set({ table: text })}
        />
        <button type="button" onClick={adviseOnTable}>
          Advise
        </button>
        {tableAdvice && <AdviceTable advice={tableAdvice} />}
      </section>
    </div>
  );
}

const texts = ["before the seat", "known hand", "why"];
const seatName = (q: number, n: number) => (q === 0 ? "You" : n === 2 ? "Opponent" : `${q} to the left`);
const counted = (names: readonly string[]) =>
  countText(faceNames.map((name) => names.filter((other) => other === name).length));
const signed = (x: number) => `${x < 0 ? "" : "+"}${x}`;

function Columns({ names }: { readonly names: readonly string[] }) {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th scope="col" key={name} class={texts.includes(name) ? "prose" : undefined}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function News({ news, players }: { readonly news: readonly (readonly [number, string])[]; readonly players: number }) {
  if (news.length === 0) return null;
  return <p role="status">{news.map(([q, name]) => `${seatName(q, players)}: ${name}`).join("; ")}</p>;
}

function Seats({ s }: { readonly s: SushiState }) {
  const { players, handSize } = s.setup;
  const [now, desserts] = [new Int32Array(players), new Int32Array(players)];
  if (!s.over) {
    addRoundPoints(s, now);
    addDessertPoints(s, desserts);
  }
  return (
    <Wide title="The table">
      <table>
        <caption>
          {s.over ? "The game is over" : `Round ${s.round + 1} of 3, turn ${s.turn + 1} of ${handSize}`}
        </caption>
        <Columns names={["seat", "banked", "round so far", "desserts so far", "before the seat", "known hand"]} />
        <tbody>
          {Array.from({ length: players }, (_, q) => (
            <tr key={q}>
              <th scope="row">{seatName(q, players)}</th>
              <td>{s.score[q]}</td>
              <td>{signed(now[q])}</td>
              <td>{signed(desserts[q])}</td>
              <td class="prose">{trayText(s, q) || "-"}</td>
              <td class="prose">{q > 0 && !s.over && isHandKnown(s, q) ? counted(handNames(s, q)) : "-"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function Decision({ s }: { readonly s: SushiState }) {
  if (s.over) {
    const winners = winShares(s).flatMap((share, q) => (share > 0 ? [seatName(q, s.setup.players)] : []));
    return (
      <p role="status">
        <strong>{winners.length > 1 ? `Shared by ${winners.join(" and ")}` : `Won by ${winners[0]}`}</strong>
      </p>
    );
  }
  const hand = handNames(s, 0);
  const copies = (name: string) => hand.filter((other) => other === name).length;
  return (
    <fieldset class="sushi-cards">
      <legend>{questions[phaseOf(s, 0)]}</legend>
      {legalActions(s, 0).map((a) => (
        <button type="button" key={a} onClick={() => choose(a)}>
          {actionNames[a]}
          {copies(actionNames[a]) > 1 && ` x${copies(actionNames[a])}`}
        </button>
      ))}
      <div>
        <button type="button" class="link" onClick={showHint}>
          Hint
        </button>
        <button type="button" class="link" onClick={undo}>
          Undo
        </button>
      </div>
    </fieldset>
  );
}

function AdviceTable({ advice }: { readonly advice: Advice }) {
  const { picks, verifier, worlds, horizon, drafter, knownHands } = advice;
  return (
    <Wide title="Advice">
      <table>
        <caption>
          {verifier
            ? `Margin in points at the end of the ${horizon}: ${worlds} samples, ${verifier}; share: ${drafter}`
            : `Ranked by share, which is the ${drafter}'s`}
        </caption>
        <Columns names={["pick", "margin", "share", "why"]} />
        <tbody>
          {picks.map(({ action, value, ci, pDraft, reasons }) => (
            <tr key={action}>
              <th scope="row">{action}</th>
              <td>{value === null ? "-" : `${value < 0 ? "" : "+"}${value.toFixed(1)} ±${(ci ?? 0).toFixed(1)}`}</td>
              <td>{percent(pDraft)}</td>
              <td class="prose">{reasons.join("; ") || "-"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul>
        {knownHands.map((hand, i) => (
          <li key={i}>{`${seatName(i + 1, knownHands.length + 1)} holds: ${hand ? counted(hand) : "not seen yet"}`}</li>
        ))}
      </ul>
    </Wide>
  );
}
