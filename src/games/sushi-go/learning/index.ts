// Agents that learn: what a network sees (features.ts), how it learns (values.ts: Double DQN and Deep Monte Carlo; ppo.ts),
// the league it learns in (trainer.ts), and the trained network at the table (player.ts, checkpoint.ts).
export {
  type Checkpoint as NetworkCheckpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type TrainingRecord,
} from "./checkpoint.ts";
export { type FeatureOptions, type Features, makeFeatures } from "./features.ts";
export { type Algorithm, algorithms } from "./learner.ts";
export { type NetworkPlayer, networkPlayer } from "./player.ts";
export { type RunOptions, runTraining } from "./run.ts";
export { type PanelScore, panelScore, Trainer, type TrainOptions } from "./trainer.ts";
