import { describe, expect, it } from 'vitest';
import { CloudEvent, HTTP } from 'cloudevents';
import { blurredImageId, imageBlurredMessage, IMAGE_BLURRED } from './events.ts';
import { Problem } from './errors.ts';

const ID = '0123456789abcdef01234567';
const base = { id: '1', type: IMAGE_BLURRED, source: '/x', subject: ID };

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return `${error.status} ${error.code}`;
    throw error;
  }
  return 'no fault';
}

describe('the event of a blurred image', () => {
  it('names its image after a trip in binary mode', () => {
    const { headers, body } = imageBlurredMessage(ID);
    expect(blurredImageId(headers, body)).toBe(ID);
  });

  it('names its image after a trip in structured mode', () => {
    const { headers, body } = HTTP.structured(new CloudEvent(base));
    expect(blurredImageId(headers as Record<string, string>, body as string)).toBe(ID);
  });

  it('has the same id every time it is sent', () => {
    expect(imageBlurredMessage(ID).headers['ce-id']).toBe(imageBlurredMessage(ID).headers['ce-id']);
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
    ['no event at all', { 'content-type': 'application/json' }, '{}', '415 unsupported-event'],
    ['a batch', { 'content-type': 'application/cloudevents-batch+json' }, '[]', '415 unsupported-event'],
    ['an empty structured event', structured, '{}', '400 invalid-event'],
    ['JSON null', structured, 'null', '400 invalid-event'],
    ['broken JSON', structured, '{"id":', '400 invalid-event'],
    ['an empty body', structured, '', '400 invalid-event'],
    ['no source', { ...binary, 'ce-source': '' }, '', '400 invalid-event'],
    ['no specversion', structured, JSON.stringify({ ...base, id: '1' }), '400 invalid-event'],
    [
      'a subject that is a number',
      structured,
      JSON.stringify({ ...base, specversion: '1.0', subject: 5 }),
      '400 invalid-event',
    ],
    ['broken data', { ...binary, 'content-type': 'application/json' }, '{', '400 invalid-event'],
    ['another type', { ...binary, 'ce-type': 'x' }, '', '422 unprocessable-event'],
    [
      'a subject that is a path',
      { ...binary, 'ce-subject': '../../etc/passwd' },
      '',
      '422 unprocessable-event',
    ],
    [
      'no subject',
      structured,
      JSON.stringify({ ...base, specversion: '1.0', subject: undefined }),
      '422 unprocessable-event',
    ],
  ])('refuses %s', (_what, headers, body, code) => {
    expect(codeOf(() => blurredImageId(headers, body))).toBe(code);
  });
});
