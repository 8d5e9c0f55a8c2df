// One image is one trace, from the request to its PNG, also when processes are killed. The functions are real processes, and a
// collector receives what they send.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { kill, patient, Rig, rigTiles, type SentImage } from '../../chaos/rig.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { OtlpReceiver, type ReceivedSpan } from '../../local/otlp-receiver.ts';
import { traceTree } from '../../local/trace-tree.ts';

const SERVER = 2;

let collector: OtlpReceiver;
let rig: Rig;
beforeAll(async () => {
  collector = await OtlpReceiver.start();
  rig = await Rig.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    OTEL_BSP_SCHEDULE_DELAY: '20',
    LOG_LEVEL: 'debug',
  });
});
afterEach(async () => {
  await rig.reset();
  collector.spans.length = 0;
});
afterAll(async () => {
  await rig.stop();
  await collector.stop();
});

/** Returns the spans of the image when its last one has arrived, all in one trace. */
async function traceOf({ id }: SentImage): Promise<ReceivedSpan[]> {
  // A request that repeats an earlier one has a trace of its own.
  const isOfImage = ({ attributes, kind }: ReceivedSpan) =>
    attributes['tessera.image'] === id && kind !== SERVER;
  const hasCome = (name: string) => {
    const span = collector.spans.findLast((each) => isOfImage(each) && each.name === name);
    return span && !span.isError && (span.parentSpanId === '' || parentOf(span));
  };
  await until('the last span of each function', () =>
    ['split', 'announce image', 'write result'].every((name) => hasCome(name)),
  );
  const traces = new Set(collector.spans.filter(isOfImage).map(({ traceId }) => traceId));
  expect([...traces]).toHaveLength(1);
  return collector.spans.filter(({ traceId }) => traces.has(traceId));
}

function parentOf(child: ReceivedSpan): ReceivedSpan | undefined {
  return collector.spans.find(
    ({ traceId, spanId }) => traceId === child.traceId && spanId === child.parentSpanId,
  );
}

function named(spans: ReceivedSpan[], name: string): ReceivedSpan[] {
  return spans.filter((span) => span.name === name);
}

/** Returns the only span with this name. */
function only(spans: ReceivedSpan[], name: string): ReceivedSpan {
  const found = named(spans, name);
  expect(found).toHaveLength(1);
  return found[0];
}

/** Each span's parent was received too, except that of `root`, and no span was sent twice. */
function expectWhole(spans: ReceivedSpan[], root: ReceivedSpan | undefined): void {
  expect(traceTree(spans.filter((span) => !parentOf(span)))).toEqual(root ? traceTree([root]) : []);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
}

/** Returns the span of the request that split answered. */
function requestIn(spans: ReceivedSpan[]): ReceivedSpan | undefined {
  return spans.find(({ name, service }) => name === 'POST /' && service === 'tessera-split');
}

/** Returns `tile attempt outcome` of each attempt, sorted. */
function attemptsIn(spans: ReceivedSpan[]): string[] {
  return named(spans, 'blur tile')
    .map(({ attributes: of }) => `${of['tessera.tile']} ${of['tessera.attempt']} ${of['tessera.outcome']}`)
    .sort();
}

describe('a trace', () => {
  test('continues its caller’s and leads from the request through every tile to the result', async () => {
    const [traceId, callerId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    const response = await fetch(`${await rig.split.process.ready()}/?name=holiday.png`, {
      method: 'POST',
      body: await toPng(picture(200, 150, 'soft-alpha')),
      headers: { traceparent: `00-${traceId}-${callerId}-01`, tracestate: 'vendor=x' },
    });
    const image = (await response.json()) as SentImage;
    await rig.startWorker(patient);
    const spans = await traceOf(image);

    const request = requestIn(spans);
    expect(request).toMatchObject({ traceId, parentSpanId: callerId, kind: SERVER });
    expect(request?.attributes).toMatchObject({
      'http.route': '/',
      'http.response.status_code': 202,
      'tessera.image': image.id,
    });
    expectWhole(spans, request);
    const split = only(spans, 'split');
    expect(parentOf(split)).toBe(request);
    expect(split.attributes).toMatchObject({ 'tessera.tiles': rigTiles, 'tessera.recipe': '9' });
    const tiles = named(spans, 'blur tile');
    expect(attemptsIn(spans)).toHaveLength(rigTiles);
    expect(tiles.every((tile) => parentOf(tile) === split && tile.service === 'tessera-blur')).toBe(true);
    expect(attemptsIn(spans).filter((each) => each.endsWith(' 1 last'))).toHaveLength(1);
    // A slow machine sends an event again.
    expect(named(spans, 'announce image').every((span) => parentOf(span) === split)).toBe(true);
    const result = only(spans, 'write result');
    expect(parentOf(result)).toMatchObject({ name: 'POST /', service: 'tessera-assemble', kind: SERVER });
    expect(parentOf(parentOf(result) ?? result)).toBe(split);
    expect(collector.lastHeaders['x-tenant']).toBe('blue');
    expect(rig.gate.posted[0].headers).toMatchObject({
      'ce-traceparent': `00-${traceId}-${split.spanId}-01`,
      'ce-tracestate': 'vendor=x',
    });
    expect(JSON.stringify(collector.spans)).not.toContain('holiday');
  });

  test('has the ids that the log lines about it have', async () => {
    const image = await rig.send('a.png');
    await rig.startWorker(patient);
    const spans = await traceOf(image);
    const logged = await until('the last line', () => {
      const lines = rig.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
      return lines.some(({ message }) => message === 'Assembled') && lines;
    });
    const idsOf = (message: string) =>
      logged.filter((line) => line.message === message).map((line) => [line.trace_id, line.span_id].join());
    const spanIds = (name: string) =>
      named(spans, name).map(({ traceId, spanId }) => [traceId, spanId].join());
    expect(idsOf('A tile is blurred').sort()).toEqual(spanIds('blur tile').sort());
    expect(spanIds('announce image')).toEqual(expect.arrayContaining(idsOf('Announced')));
    expect(idsOf('Assembled')).toEqual(spanIds('write result'));
    expect(idsOf('Split')[0]).toContain(spans[0].traceId);
  });

  test('shows the attempts of a tile whose first worker was killed, and the reclaim', async () => {
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil({ step: 'ack', moment: 'request' });
    const { pid } = worker.process;
    await kill(worker);
    passage.cut();
    await rig.startWorker(patient);
    const spans = await traceOf(image);
    expectWhole(spans, requestIn(spans));
    const split = only(spans, 'split');
    expect(named(spans, 'blur tile').every((tile) => parentOf(tile) === split && tile.pid !== pid)).toBe(
      true,
    );
    expect(attemptsIn(spans)).toHaveLength(rigTiles);
    expect(attemptsIn(spans).filter((each) => each.includes(' 2 '))).toHaveLength(1);
    expect(only(spans, 'write result').attributes).toMatchObject({ 'tessera.reclaims': 1 });
  });

  test('shows the refused ack of a worker that came too late', async () => {
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 1 });
    await rig.startWorker(patient);
    await until('the image', async () => (await rig.status(image.id)).status === 'done');
    passage.pass();
    await until('the late attempt', () => attemptsIn(collector.spans).some((each) => each.endsWith('stale')));
    const spans = await traceOf(image);
    const late = named(spans, 'blur tile').filter((span) => span.attributes['tessera.outcome'] === 'stale');
    expect(late).toMatchObject([{ pid: worker.process.pid, attributes: { 'tessera.attempt': 1 } }]);
    expect(parentOf(late[0])).toBe(only(spans, 'split'));
  });

  test('is sent before a stopped function ends', async () => {
    const image = await rig.send('a.png');
    const worker = await rig.startWorker({ ...patient, OTEL_BSP_SCHEDULE_DELAY: '60000' });
    await until('the image', async () => (await rig.status(image.id)).status === 'done');
    expect(named(collector.spans, 'blur tile')).toEqual([]);
    await worker.process.stop();
    expect(attemptsIn(await traceOf(image))).toHaveLength(rigTiles);
  });

  test('shows each time that a lost event was sent', async () => {
    const image = await rig.send('a.png');
    rig.gate.handle = async () => {
      rig.gate.handle = (event, forward) => forward(event);
      return 503;
    };
    await rig.startWorker(patient);
    const spans = await traceOf(image);
    const split = only(spans, 'split');
    const sendings = named(spans, 'announce image').sort((a, b) => a.startMs - b.startMs);
    expect(sendings[0]).toMatchObject({ isError: true, attributes: { 'tessera.outcome': 'refused' } });
    expect(sendings.at(-1)).toMatchObject({ isError: false, attributes: { 'tessera.outcome': 'accepted' } });
    expect(sendings.every((span) => parentOf(span) === split)).toBe(true);
    const [first, second] = rig.gate.posted;
    expect(second.headers['ce-traceparent']).toBe(first.headers['ce-traceparent']);
  });

  test('includes the done event', async () => {
    const told: IncomingHttpHeaders[] = [];
    const receiver = createServer((req, res) => {
      told.push(req.headers);
      req.resume().on('end', () => res.writeHead(202).end());
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    try {
      const env = { DONE_SINK: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` };
      await rig.remove([rig.assemble]);
      await rig.startAssemble(env);
      const image = await rig.send('a.png');
      await rig.startWorker({ ...patient, ...env });
      await until('the span', () => named(collector.spans, 'tell of the end').length > 0);
      const spans = await traceOf(image);
      const split = only(spans, 'split');
      const [telling] = named(spans, 'tell of the end');
      expect(parentOf(telling)).toBe(split);
      expect(telling.attributes).toMatchObject({ 'tessera.state': 'done', 'tessera.outcome': 'accepted' });
      expect(told[0]).toMatchObject({
        'ce-type': 'dev.tessera.image.done.v1',
        'ce-traceparent': `00-${split.traceId}-${split.spanId}-01`,
        traceparent: `00-${split.traceId}-${telling.spanId}-01`,
      });
    } finally {
      receiver.close();
      await rig.remove([rig.assemble]); // The next test gets one without the receiver.
    }
  });

  test('survives the split that began it: the one that completes it sends the lost span', async () => {
    const stopped = rig.split.proxy.hold({ step: 'enqueue', moment: 'request', nth: rigTiles / 2 });
    const first = rig.post('a.png').catch(() => 'cut off');
    const passage = await stopped;
    await rig.startWorker(patient);
    await until('a span of a tile', () => named(collector.spans, 'blur tile').length > 0);
    await kill(rig.split);
    passage.cut();
    expect(await first).toBe('cut off');

    await rig.startSplit();
    const image = await rig.send('a.png');
    const spans = await traceOf(image);
    const split = only(spans, 'split');
    expectWhole(spans, split);
    expect(split.attributes['tessera.resumed']).toBe(true);
    const request = requestIn(collector.spans);
    expect(split.links).toEqual([{ traceId: request?.traceId, spanId: request?.spanId }]);
    expect(request?.traceId).not.toBe(split.traceId);
    expect(attemptsIn(spans)).toHaveLength(rigTiles);
  });

  test('is not started by requests that only read, unless their caller traces them', async () => {
    const url = await rig.split.process.ready();
    await fetch(`${url}/images`);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await fetch(`${url}/images/${'a'.repeat(24)}/secret?token=secret`, { headers: { traceparent } });
    await until('the span', () => collector.spans.length > 0);
    expect(collector.spans).toMatchObject([
      { name: 'GET', attributes: { 'http.response.status_code': 404 } },
    ]);
    expect(JSON.stringify(collector.spans)).not.toContain('secret');
  });
});
