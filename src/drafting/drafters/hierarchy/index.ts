// Hierarchy Drafting: continuations from databases of falling locality, as one tree. The context database lives here, the
// other two in drafting/databases. Source: Cho et al. 2025.
import { DraftwrightError } from "../../../errors.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../../drafter.ts";
import { cutTree, type DraftTree, emptyTree, judge } from "../../tree.ts";
import { Candidates } from "./candidates.ts";
import { type Level, openLevels } from "./levels.ts";
import {
  type DatabaseName,
  databaseNames,
  type HierarchyOptions,
  type HierarchySettings,
  hierarchySettings,
} from "./settings.ts";

export type { ContextSettings } from "./context-database.ts";
export type { DatabaseName, HierarchyOptions, LookupSettings } from "./settings.ts";

/** What one database did, over all sessions of a drafter. */
export interface DatabaseCounts {
  /** Rounds in which it was asked, and in which it added a row. */
  asked: number;
  answered: number;
  /** Its nodes that the target verified, and accepted. */
  proposed: number;
  accepted: number;
}

export interface HierarchyDrafter extends Drafter {
  readonly counts: Readonly<Record<DatabaseName, Readonly<DatabaseCounts>>>;
}

type Counts = Record<DatabaseName, DatabaseCounts>;

/**
 * Asks the databases in order and merges their rows into a tree; the acceptance of each kind of row is learned. The
 * lookahead window of the paper is a drafter of its own. Throws "bad-argument"; opening throws "vocabulary-mismatch".
 */
export function hierarchyDrafter(options: HierarchyOptions = {}): HierarchyDrafter {
  const settings = hierarchySettings(options);
  const counts = Object.fromEntries(
    databaseNames.map((name) => [name, { asked: 0, answered: 0, proposed: 0, accepted: 0 }]),
  ) as Counts;
  return {
    name: "hierarchy",
    needs: {},
    counts,
    open(sequence) {
      for (const level of [settings.model, settings.statistics]) {
        if (level && level.database.vocabSize !== sequence.vocabSize) {
          throw new DraftwrightError(
            "vocabulary-mismatch",
            `hierarchy: the ${level.database.kind} database is for a vocabulary of ${level.database.vocabSize} tokens, ` +
              `the target has ${sequence.vocabSize}. Build it again with this model.`,
          );
        }
      }
      return new HierarchySession(settings, sequence, counts);
    },
  };
}

class HierarchySession implements DraftSession {
  private readonly settings: HierarchySettings;
  private readonly sequence: SequenceView;
  private readonly counts: Counts;
  private readonly levels: readonly Level[];
  private offer: { readonly tree: DraftTree; readonly candidates: Candidates } | undefined;

  constructor(settings: HierarchySettings, sequence: SequenceView, counts: Counts) {
    this.settings = settings;
    this.sequence = sequence;
    this.counts = counts;
    this.levels = openLevels(settings);
  }

  bid(context: TokenView): readonly Bid[] {
    const { maxRows, maxNodes } = this.settings;
    const limits = { maxRows, maxNodes, maxDepth: context.maxDepth };
    const candidates = new Candidates(limits, this.sequence.source, this.sequence.acceptance);
    for (const level of this.levels) {
      if (candidates.full) break;
      const count = this.counts[level.name];
      const before = candidates.builder.size;
      level.fill(candidates, context);
      count.asked++;
      if (candidates.builder.size > before) count.answered++;
    }
    const tree = candidates.builder.build();
    this.offer = { tree, candidates };
    if (tree.token.length === 0) return [];
    return [{ parent: tree.parent, chance: Float64Array.from(tree.confidence), draftMs: () => 0 }];
  }

  expand(_bid: Bid, nodes: number): DraftTree {
    return cutTree(this.offer?.tree ?? emptyTree, nodes);
  }

  observe(round: RoundResult): void {
    const { offer } = this;
    if (!offer) return;
    const { buckets } = offer.candidates;
    // The tokens were known without paying, so they teach whether they were bought or not.
    judge(offer.tree, round.emitted, (node, depth, accepted) => {
      this.sequence.acceptance.update(buckets[node], depth, accepted);
    });
    this.count(round, offer.candidates);
    this.offer = undefined;
  }

  close(): void {
    this.offer = undefined;
  }

  /** Credits the databases with what was verified: our nodes of the round's tree are found by their paths. */
  private count({ tree, path }: RoundResult, { builder, origins }: Candidates): void {
    const own: number[] = [];
    for (let node = 0; node < tree.token.length; node++) {
      const parent = tree.parent[node];
      own.push(parent >= 0 && own[parent] < 0 ? -1 : builder.find(parent < 0 ? -1 : own[parent], tree.token[node]));
      if (tree.source[node] !== this.sequence.source || own[node] < 0) continue;
      const count = this.counts[this.levels[origins[own[node]]].name];
      count.proposed++;
      if (path.includes(node)) count.accepted++;
    }
  }
}
