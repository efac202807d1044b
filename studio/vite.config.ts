import { defineConfig } from "vite";

// scripts/build.mjs builds it into dist/studio. For development: `draftwright serve`, and `npx vite studio` beside it.
export default defineConfig({
  base: "/studio/",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: false },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: { proxy: { "/v1": "http://127.0.0.1:8080", "/studio/api": "http://127.0.0.1:8080" } },
});
