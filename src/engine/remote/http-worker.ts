// The thread that makes HTTP requests for one that sleeps meanwhile.
import { workerData } from "node:worker_threads";
import type { HttpAnswer, HttpOrder, HttpRequest, HttpResult, HttpThreadData } from "./requests.ts";

const { port, state } = workerData as HttpThreadData;
const word = new Int32Array(state);

port.on("message", async ({ number, requests, headers, seconds }: HttpOrder) => {
  const signal = AbortSignal.timeout(seconds * 1000);
  const ask = async ({ url, body }: HttpRequest): Promise<HttpAnswer> => {
    const init =
      body === undefined
        ? { headers }
        : { method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
    const response = await fetch(url, { ...init, signal });
    return { status: response.status, text: await response.text() };
  };
  const result = await Promise.all(requests.map(ask)).then(
    (answers): HttpResult => ({ number, answers }),
    (error: Error): HttpResult => ({
      number,
      error: String((error.cause as Error | undefined)?.message ?? error.message),
    }),
  );
  port.postMessage(result);
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
});
