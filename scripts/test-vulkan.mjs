// Runs the GPU tests on the Vulkan libraries of test/vulkan. Needs a Vulkan driver; Mesa's software renderer
// (Debian's mesa-vulkan-drivers) will do. Installs the libraries into test/vulkan/node_modules first.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = fileURLToPath(new URL("../test/vulkan", import.meta.url));
const libraries = `${folder}/node_modules/@node-llama-cpp/linux-x64-vulkan/bins/linux-x64-vulkan`;

const run = (command, args, cwd, env = {}) => {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
};
if (!existsSync(libraries)) run("npm", ["ci", "--ignore-scripts"], folder);
run("npm", ["run", "-s", "build"], root);
run("npx", ["vitest", "run", "src/lm/graph/gpu.test.ts", "test/parallel.test.ts", ...process.argv.slice(2)], root, {
  DRAFTWRIGHT_LIB_DIR: libraries,
  // ggml's fused kernels crash Mesa 22's software renderer, with some orders of batch sizes.
  GGML_VK_DISABLE_FUSION: "1",
  GGML_VK_VISIBLE_DEVICES: "0",
});
