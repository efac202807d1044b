import type { Service } from "./service.ts";

/** GET /props: what is served and how, beside the fields that llama.cpp's clients read. */
export function props({ settings, models, admission }: Service) {
  const { id, model } = models.default;
  const { contextLength, path: _, chat, draftModels, ...info } = model.info;
  return {
    model_alias: id,
    total_slots: settings.parallel,
    chat_template: chat.template ?? null,
    bos_token: chat.bosToken,
    eos_token: chat.eosToken,
    default_generation_settings: { n_ctx: contextLength, params: { temperature: 1, seed: null } },
    draft: { default: settings.draft, drafters: info.drafters, draft_models: draftModels.length },
    adapters: info.adapters,
    numerics: info.numerics,
    architecture: info.architecture,
    threads: info.threads,
    device: info.device,
    running: admission.running,
    waiting: admission.waiting,
  };
}
