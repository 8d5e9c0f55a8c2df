import { describe, expect, it } from 'vitest';
import { CloudEvent, HTTP } from 'cloudevents';
import { blurredImageId, imageBlurredMessage, IMAGE_BLURRED } from './events.ts';
import { codeOf } from '../testing/problem-code.ts';

const ID = '0123456789abcdef01234567';
const base = { id: '1', type: IMAGE_BLURRED, source: '/x', subject: ID };

describe('the event of a blurred image', () => {
  it('can be sent and read in binary mode', () => {
    const { headers, body } = imageBlurredMessage(ID);
    expect(blurredImageId(headers, body)).toBe(ID);
  });

  it('can be sent and read in structured mode', () => {
    const { headers, body } = HTTP.structured(new CloudEvent(base));
    expect(blurredImageId(headers as Record<string, string>, body as string)).toBe(ID);
  });

  it('has the same id every time it is sent', () => {
    expect(imageBlurredMessage(ID).headers['ce-id']).toBe(imageBlurredMessage(ID).headers['ce-id']);
  });

  const whole = (more = {}) => JSON.stringify({ ...base, specversion: '1.0', ...more });
  it.each([
    'application/cloudevents+json; charset=utf-8',
    'Application/CloudEvents+JSON',
    'application/cloudevents+json;charset="UTF-8"',
  ])('is read with the content type %j', (type) =>
    expect(blurredImageId({ 'content-type': type }, whole())).toBe(ID),
  );

  it('may contain data of any depth', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(blurredImageId(structured, `${whole().slice(0, -1)},"data":${deep}}`)).toBe(ID);
    expect(blurredImageId({ ...binary, 'content-type': 'application/json' }, deep)).toBe(ID);
  });

  const structured = { 'content-type': 'application/cloudevents+json' };
  const binary = {
    'ce-id': '1',
    'ce-type': IMAGE_BLURRED,
    'ce-source': '/x',
    'ce-specversion': '1.0',
    'ce-subject': ID,
  };
  it.each<[string, Record<string, string>, string, string]>([
    ['no event at all', { 'content-type': 'application/json' }, '{}', 'unsupported-event'],
    ['a batch', { 'content-type': 'application/cloudevents-batch+json' }, '[]', 'unsupported-event'],
    ['an empty structured event', structured, '{}', 'invalid-event'],
    ['JSON null', structured, 'null', 'invalid-event'],
    ['broken JSON', structured, '{"id":', 'invalid-event'],
    ['an empty body', structured, '', 'invalid-event'],
    ['no source', { ...binary, 'ce-source': '' }, '', 'invalid-event'],
    ['specversion 0.3', { ...binary, 'ce-specversion': '0.3' }, '', 'invalid-event'],
    ['specversion 1.1', { ...binary, 'ce-specversion': '1.1' }, '', 'invalid-event'],
    ['specversion 0.3 in JSON', structured, whole({ specversion: '0.3' }), 'invalid-event'],
    ['specversion 1', structured, whole({ specversion: 1 }), 'invalid-event'],
    ['a prototype', structured, `{"__proto__":${whole()},"id":"1"}`, 'invalid-event'],
    ['arrays in arrays', structured, '['.repeat(30_000) + ']'.repeat(30_000), 'invalid-event'],
    ['no specversion', structured, JSON.stringify({ ...base, id: '1' }), 'invalid-event'],
    [
      'a subject that is a number',
      structured,
      JSON.stringify({ ...base, specversion: '1.0', subject: 5 }),
      'invalid-event',
    ],
    ['broken data', { ...binary, 'content-type': 'application/json' }, '{', 'invalid-event'],
    ['another type', { ...binary, 'ce-type': 'x' }, '', 'unprocessable-event'],
    ['a subject that is a path', { ...binary, 'ce-subject': '../../etc/passwd' }, '', 'unprocessable-event'],
    [
      'no subject',
      structured,
      JSON.stringify({ ...base, specversion: '1.0', subject: undefined }),
      'unprocessable-event',
    ],
  ])('refuses %s', (_what, headers, body, code) => {
    return expect(codeOf(() => blurredImageId(headers, body))).resolves.toBe(code);
  });
});
