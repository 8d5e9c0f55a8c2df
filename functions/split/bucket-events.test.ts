import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/problem-code.ts';
import { writtenObjects } from './bucket-events.ts';

const json = { 'content-type': 'application/json' };
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };

/** A record as S3 sends it; Ceph and MinIO change parts of it. */
function record(object: object, more: object = {}) {
  const s3 = { s3SchemaVersion: '1.0', bucket: { name: 'pictures', arn: 'arn:aws:s3:::pictures' }, object };
  return { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3, ...more };
}

const read = (headers: Record<string, string>, body: unknown) =>
  writtenObjects(headers, JSON.stringify(body));
const binary = (type: string, more: Record<string, string> = {}) => ({
  ...json,
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': 'aws:s3.us-west-2.pictures',
  'ce-type': type,
  ...more,
});
const event = (type: string, data: unknown, more: object = {}) => ({
  specversion: '1.0',
  id: '1',
  source: 'aws:s3.us-west-2.pictures',
  type,
  datacontenttype: 'application/json',
  data,
  ...more,
});

describe('a notification of S3', () => {
  it('names all its objects, with their keys decoded', () => {
    const Records = [
      record({ key: 'red+flower.jpg', size: 1024, eTag: 'a', sequencer: '1' }),
      record(
        { key: 'b%C3%BCcher/a%2Bb.png', size: 7 },
        { eventName: 'ObjectCreated:CompleteMultipartUpload' },
      ),
    ];
    expect(read(json, { Records })).toEqual([
      {
        bucket: 'pictures',
        keys: ['red flower.jpg', 'red+flower.jpg'],
        sizeBytes: 1024,
        etag: 'a',
        metadata: null,
      },
      {
        bucket: 'pictures',
        keys: ['bücher/a+b.png', 'b%C3%BCcher/a%2Bb.png'],
        sizeBytes: 7,
        etag: null,
        metadata: null,
      },
    ]);
  });

  it('of MinIO has metadata, and slashes encoded', () => {
    const userMetadata = { 'X-Amz-Meta-Tessera-Kernel': '21', 'content-type': 'image/png' };
    const object = { key: 'in%2Fa.png', size: 9, eTag: 'x', versionId: '1', userMetadata };
    const Records = [record(object, { eventSource: 'minio:s3', eventName: 's3:ObjectCreated:Put' })];
    const body = { EventName: 's3:ObjectCreated:Put', Key: 'pictures/in/a.png', Records };
    expect(read(json, body)).toMatchObject([
      { keys: ['in/a.png', 'in%2Fa.png'], metadata: { 'tessera-kernel': '21', 'content-type': 'image/png' } },
    ]);
  });

  it('of Ceph has its size as text, and metadata as a list', () => {
    const metadata = [{ key: 'x-amz-meta-tessera-filter', val: 'sharpen' }];
    const Records = [record({ key: 'a.png', size: '1024', metadata, tags: [] }, { eventSource: 'ceph:s3' })];
    expect(read(json, { Records })).toEqual([
      {
        bucket: 'pictures',
        keys: ['a.png'],
        sizeBytes: 1024,
        etag: null,
        metadata: { 'tessera-filter': 'sharpen' },
      },
    ]);
  });

  it('keeps a key that only looks encoded', () => {
    expect(read(json, { Records: [record({ key: '100%.png' })] })[0].keys).toEqual(['100%.png']);
  });

  it.each([
    ['about deleted objects', { Records: [record({ key: 'a' }, { eventName: 'ObjectRemoved:Delete' })] }],
    ['about tags', { Records: [record({ key: 'a' }, { eventName: 's3:ObjectTagging:Put' })] }],
    ['without records', { Records: [] }],
    ['with other things among its records', { Records: [null, 7, 'x'] }],
    ['that is a test', { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'pictures' }],
  ])('%s names no objects', (_what, body) => expect(read(json, body)).toEqual([]));
});

describe('an event of EventBridge', () => {
  const detail = {
    bucket: { name: 'pictures' },
    object: { key: 'a+b c.png', size: 5, etag: 'x', 'version-id': 'v' },
    reason: 'PutObject',
  };

  it('names its object, whose key is not encoded', () => {
    const body = { version: '0', id: '1', 'detail-type': 'Object Created', source: 'aws.s3', detail };
    const wanted = [{ bucket: 'pictures', keys: ['a+b c.png'], sizeBytes: 5, etag: 'x', metadata: null }];
    expect(read(json, body)).toEqual(wanted);
    expect(read(structured, event('aws.s3.object.created', body))).toEqual(wanted);
    expect(read(binary('aws.s3.ObjectCreated'), detail)).toEqual(wanted);
  });

  it('about something else names none', () => {
    expect(read(json, { 'detail-type': 'Object Deleted', source: 'aws.s3', detail })).toEqual([]);
    expect(read(json, { 'detail-type': 'EC2 Instance State-change Notification', detail: {} })).toEqual([]);
  });
});

describe('a CloudEvent about S3', () => {
  const types = [
    'com.amazonaws.s3.ObjectCreated:Put',
    'com.amazonaws.s3.ObjectCreated:CompleteMultipartUpload',
    'com.amazonaws.s3.objectcreated.put',
    'com.amazon.s3.objectcreated',
    'com.amazonaws.ObjectCreated:Put',
    'com.amazonaws.s3:ObjectCreated:Put',
    'aws.s3.object.created',
    'aws:s3:ObjectCreated:Copy',
  ];
  const wanted = [
    { bucket: 'pictures', keys: ['a b.png', 'a+b.png'], sizeBytes: null, etag: null, metadata: null },
  ];

  it.each(types)('of the type %s is read in both modes, whatever part of the record is its data', (type) => {
    const one = record({ key: 'a+b.png' });
    for (const data of [one, { s3: one.s3 }, one.s3, { Records: [one] }]) {
      expect(read(binary(type), data)).toEqual(wanted);
      expect(read(structured, event(type, data))).toEqual(wanted);
    }
  });

  it('is read if its data is JSON as text', () => {
    const headers = { ...binary(types[0]), 'content-type': 'text/plain' };
    expect(read(headers, { Records: [record({ key: 'a+b.png' })] })).toEqual(wanted);
  });

  it('is read if its data is in base64, whatever its media type', () => {
    const data_base64 = Buffer.from(JSON.stringify(record({ key: 'a+b.png' }))).toString('base64');
    for (const datacontenttype of ['application/json', 'application/octet-stream', undefined]) {
      const body = { ...event(types[0], undefined), datacontenttype, data_base64 };
      expect(read(structured, body)).toEqual(wanted);
    }
  });

  it.each(['com.amazonaws.s3.ObjectRemoved:Delete', 'com.amazon.s3.testevent', 'dev.tessera.image.done.v1'])(
    'of the type %s names no object',
    (type) => expect(read(structured, event(type, { imageId: 'x' }))).toEqual([]),
  );

  it('that names no object is malformed', () =>
    expect(codeOf(() => read(structured, event(types[0], {})))).resolves.toBe('invalid-event'));
});

describe('a CloudEvent about Google Cloud Storage', () => {
  const type = 'google.cloud.storage.object.v1.finalized';
  const data = {
    bucket: 'pictures',
    name: 'a+b/c d.png',
    size: '123',
    generation: '1587627537231057',
    metadata: { 'Tessera-Kernel': '9' },
  };

  it('names its object, whose key is not encoded, with its metadata', () => {
    const wanted = [
      {
        bucket: 'pictures',
        keys: ['a+b/c d.png'],
        sizeBytes: 123,
        etag: null,
        metadata: { 'tessera-kernel': '9' },
      },
    ];
    expect(read(binary(type), data)).toEqual(wanted);
    expect(read(structured, event(type, data))).toEqual(wanted);
  });

  it('names its object even without data', () => {
    const source = '//storage.googleapis.com/projects/_/buckets/pictures';
    const headers = binary(type, { 'ce-source': source, 'ce-subject': 'objects/a/b.png' });
    expect(read(headers, {})).toEqual([
      { bucket: 'pictures', keys: ['a/b.png'], sizeBytes: null, etag: null, metadata: {} },
    ]);
  });

  it.each(['deleted', 'archived', 'metadataUpdated'])('that it was %s names no object', (what) =>
    expect(read(structured, event(`google.cloud.storage.object.v1.${what}`, data))).toEqual([]),
  );
});

describe('a batch of CloudEvents', () => {
  const batch = { 'content-type': 'application/cloudevents-batch+json' };
  it('names the objects of all of them', () => {
    const type = 'com.amazonaws.s3.ObjectCreated:Put';
    const events = ['a', 'b'].map((key) => event(type, record({ key })));
    expect(read(batch, [...events, event('other', {})]).map(({ keys }) => keys)).toEqual([['a'], ['b']]);
  });

  it.each([
    ['no list', { id: '1' }],
    ['a list of something else', [7]],
    ['an incomplete event', [{ specversion: '1.0', id: '1' }]],
  ])('that is %s is malformed', (_what, body) =>
    expect(codeOf(() => read(batch, body))).resolves.toBe('invalid-event'),
  );
});

it.each<[string, Record<string, string>, string, string]>([
  ['other JSON', json, '{"input":"x"}', 'unsupported-event'],
  ['broken JSON', json, '{"Records":', 'invalid-event'],
  ['a record without an object', json, '{"Records":[{"eventName":"ObjectCreated:Put"}]}', 'invalid-event'],
  [
    'a CloudEvent without an id',
    structured,
    '{"specversion":"1.0","type":"x","source":"y"}',
    'invalid-event',
  ],
  ['nothing', json, '', 'invalid-event'],
])('refuses %s', (_what, headers, body, code) =>
  expect(codeOf(() => writtenObjects(headers, body))).resolves.toBe(code),
);
