// `npm run traces`: a collector for one machine. It prints each trace as a tree, once nothing more of it has come for a moment.
import { once } from 'node:events';
import { OtlpReceiver, type ReceivedSpan } from '../local/otlp-receiver.ts';
import { traceTree } from '../local/trace-tree.ts';
import { parseOptions, runCommand, wholeNumber } from './lib/options.ts';

const HELP = `Receives traces and prints each as a tree: npm run traces -- [options]

  --port N   the port to listen on, on loopback (default 4318)
  --help     this text

In another terminal: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 npm start -- photo.jpg
Ctrl-C ends it.`;

/** The functions send their spans once a second, so after this a trace is complete. */
const QUIET_MS = 3000;

/** Keeps each trace until it is quiet, then prints it. */
class Printer {
  readonly #traces = new Map<string, { spans: ReceivedSpan[]; quiet: NodeJS.Timeout }>();

  take(received: ReceivedSpan[]): void {
    for (const [traceId, spans] of Map.groupBy(received, (span) => span.traceId)) {
      const known = this.#traces.get(traceId);
      clearTimeout(known?.quiet);
      const quiet = setTimeout(() => this.#print(traceId), QUIET_MS);
      this.#traces.set(traceId, { spans: [...(known?.spans ?? []), ...spans], quiet });
    }
  }

  printAll(): void {
    for (const traceId of this.#traces.keys()) this.#print(traceId);
  }

  #print(traceId: string): void {
    const { spans = [], quiet } = this.#traces.get(traceId) ?? {};
    clearTimeout(quiet);
    this.#traces.delete(traceId);
    console.log([`trace ${traceId}`, ...traceTree(spans), ''].join('\n'));
  }
}

async function main(): Promise<number> {
  const { values } = parseOptions({
    options: { port: { type: 'string', default: '4318' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const printer = new Printer();
  const receiver = await OtlpReceiver.start(wholeNumber('port', values.port, 0, 65_535), (spans) =>
    printer.take(spans),
  );
  console.log(`Waiting for traces at ${receiver.url}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  printer.printAll();
  await receiver.stop();
  return 0;
}

await runCommand(main, 1);
