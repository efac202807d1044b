// What a DraftRec network is, and where it departs from the authors' code.
import { DraftwrightError } from "../../../errors.ts";

/** What the authors' code does and we do not by default; each can be switched back. */
export interface Quirks {
  /** Padding before short histories is attended, and positions count from the oldest place. Ours: hidden, counted from the newest. */
  readonly attendPadding: boolean;
  /** Roles of both teams are seen, though they are only known after the game. Ours: those of one's own team. */
  readonly seeAllRoles: boolean;
  /** Special ids and picked champions stay in the softmax and in rankings. Ours: only what can still be picked. */
  readonly rankEverything: boolean;
  /** A team is the sum of its rows over ten. Ours: over five. */
  readonly halveTeams: boolean;
  /** The value head is free. Ours: odd, so that changing sides changes the sign. */
  readonly freeValue: boolean;
}

const none: Quirks = {
  attendPadding: false,
  seeAllRoles: false,
  rankEverything: false,
  halveTeams: false,
  freeValue: false,
};
/** All of them: the network of the authors' repository. */
export const paperQuirks: Quirks = {
  attendPadding: true,
  seeAllRoles: true,
  rankEverything: true,
  halveTeams: true,
  freeValue: true,
};

export interface DraftRecConfig {
  /** H; a multiple of `heads`, and even. */
  readonly hidden: number;
  readonly blocks: number;
  readonly heads: number;
  /** S: past matches of each player. */
  readonly history: number;
  /** Sizes of the vocabularies, special ids included. */
  readonly championIds: number;
  readonly roleIds: number;
  readonly stats: number;
  readonly dropout: number;
  /** Ablation: false leaves the player network out; every player is then the same. */
  readonly playerNetwork: boolean;
  /** Ablation: false ranks from the player alone, as SASRec does; there is no value then. */
  readonly matchNetwork: boolean;
  /**
   * Ours: logits also get a learned multiple of the log shares of the player's whole history, of the latest part of it,
   * and of what everybody picked lately. False is the paper's network.
   */
  readonly habits: boolean;
  /** Ours: the winner's log odds also get a multiple of the players' form (form.ts). False is the paper's network. */
  readonly form: boolean;
  readonly quirks: Quirks;
}

export type DraftRecOptions = Partial<Omit<DraftRecConfig, "quirks">> & { readonly quirks?: Partial<Quirks> };

/** Throws `bad-argument` for sizes that do not fit together. */
export function draftRecConfig(
  sizes: Pick<DraftRecConfig, "championIds" | "roleIds" | "stats">,
  options: DraftRecOptions = {},
): DraftRecConfig {
  const config: DraftRecConfig = {
    hidden: 64,
    blocks: 2,
    heads: 2,
    history: 50,
    dropout: 0.1,
    playerNetwork: true,
    matchNetwork: true,
    habits: true,
    form: true,
    ...sizes,
    ...options,
    quirks: { ...none, ...options.quirks },
  };
  const { hidden, blocks, heads, history, dropout } = config;
  const whole = [hidden, blocks, heads, history].every((n) => Number.isSafeInteger(n) && n > 0);
  if (!whole || hidden % (2 * heads) !== 0 || !(dropout >= 0 && dropout < 1)) {
    throw new DraftwrightError(
      "bad-argument",
      `DraftRec with hidden ${hidden}, blocks ${blocks}, heads ${heads}, history ${history}, dropout ${dropout} cannot be built: use positive integers, hidden a multiple of 2 x heads, dropout in [0, 1).`,
    );
  }
  if (!config.playerNetwork && !config.matchNetwork) {
    throw new DraftwrightError("bad-argument", "DraftRec needs its player network, its match network, or both.");
  }
  return config;
}
