// Starts a function with the first request for it, and holds requests until it can serve, as Knative's activator does.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';

export class Activator {
  readonly #server: Server;
  readonly #start: () => FunctionProcess;
  #process: FunctionProcess | null = null;
  #url: Promise<string> | null = null;
  /** When the first request came, when the function could serve, and when the first POST came. */
  calledAt: number | null = null;
  readyAt: number | null = null;
  postedAt: number | null = null;

  private constructor(name: FunctionName, env: Record<string, string>) {
    this.#start = () => new FunctionProcess(name, { env, onLog: (line) => console.error(line) });
    this.#server = createServer((req, res) => {
      this.#pass(req, res).catch((error: unknown) => res.destroy(error as Error));
    });
  }

  /** Listens for requests to the function `name`, which will get the settings `env`. */
  static async listen(name: FunctionName, env: Record<string, string>): Promise<Activator> {
    const activator = new Activator(name, env);
    await once(activator.#server.listen(0, '127.0.0.1'), 'listening');
    return activator;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.calledAt ??= performance.now();
    if (req.method === 'POST') this.postedAt ??= performance.now();
    this.#url ??= this.#wake();
    const { method = 'GET', headers, url: path = '/' } = req;
    const passed = request(`${await this.#url}${path}`, { method, headers });
    req.pipe(passed);
    const [answer] = (await once(passed, 'response')) as [IncomingMessage];
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(res);
  }

  async #wake(): Promise<string> {
    this.#process = this.#start();
    const url = await this.#process.healthy();
    this.readyAt = performance.now();
    return url;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#process?.stop();
  }
}
