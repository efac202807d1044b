// Studio: the page that `draftwright serve` shows (studio/ in the repository, built into dist/studio), and the endpoints
// that only it needs: model manager, cost curve, benchmark. Playground and draft trees use the public endpoints.
import type { Hono } from "hono";
import type { Service, Variables } from "../service.ts";
import { runStudioBench } from "./bench.ts";
import { sameOrigin } from "./guard.ts";
import { costCurve, listStudioModels, loadStudioModel, pairsOf, pullStudioModel, unloadStudioModel } from "./models.ts";
import { page } from "./pages.ts";

type App = Hono<{ Variables: Variables }>;

/** The page itself: it needs no key, and tells nothing about the server. */
export function studioPages(app: App): void {
  app.get("/", page);
  app.get("/studio", page);
  app.get("/studio/assets/*", page);
}

/** Its endpoints: behind the keys, if there are any. */
export function studioEndpoints(app: App, service: Service): void {
  app.use("/studio/api/*", sameOrigin(service.settings));
  app.get("/studio/api/models", (c) => listStudioModels(c, service));
  app.post("/studio/api/models/load", (c) => loadStudioModel(c, service));
  app.post("/studio/api/models/unload", (c) => unloadStudioModel(c, service));
  app.post("/studio/api/models/pull", (c) => pullStudioModel(c, service));
  app.get("/studio/api/pairs", (c) => pairsOf(c));
  app.get("/studio/api/curve", (c) => costCurve(c, service));
  app.post("/studio/api/bench", (c) => runStudioBench(c, service));
}
