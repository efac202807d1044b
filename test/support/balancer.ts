import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A balancer of a few lines, in turn; as nginx with proxy_next_upstream, the next replica is asked when one is gone or says
 * 503. Clients of streams stay with the replica that began to answer; when they leave, it is told.
 */
export async function startBalancer(ports: readonly number[]) {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk) => chunks.push(chunk));
    const first = turn++;
    incoming.on("end", () => forward(Buffer.concat(chunks), ports.length));
    const forward = (body: Buffer, tries: number) => {
      const port = ports[(first + tries) % ports.length];
      const { method, url: path, headers } = incoming;
      const upstream = request({ port, host: "127.0.0.1", method, path, headers, agent: false }, (answer) => {
        if (answer.statusCode === 503 && tries > 1) {
          answer.resume();
          return forward(body, tries - 1);
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      upstream.on("error", () => (tries > 1 ? forward(body, tries - 1) : outgoing.writeHead(502).end()));
      outgoing.on("close", () => upstream.destroy());
      upstream.end(body);
    };
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close: () => server.close() };
}
