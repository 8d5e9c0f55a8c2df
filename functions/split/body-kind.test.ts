import { describe, expect, it } from 'vitest';
import { Problem } from '../lib/errors.ts';
import { kindOfBody } from './body-kind.ts';

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);

function told(type: string, body: Uint8Array): string {
  try {
    return kindOfBody(type, body);
  } catch (error) {
    if (error instanceof Problem) return `${error.status} ${error.message}`;
    throw error;
  }
}

describe('kindOfBody', () => {
  it.each([
    '',
    'image/png',
    'image/jpeg',
    'image/jpg',
    'image/anything',
    'application/octet-stream',
    'binary/octet-stream',
    'application/x-www-form-urlencoded',
  ])('treats bytes sent as %j as an image', (type) => expect(told(type, png)).toBe('image'));

  it('treats JSON, even an empty JSON body, as a request for inputs', () => {
    expect(told('application/json', Buffer.from('{}'))).toBe('inputs');
    expect(told('application/json', Buffer.alloc(0))).toBe('inputs');
  });

  it.each(['', 'image/png', 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data'])(
    'refuses an empty body sent as %j',
    (type) =>
      expect(told(type, Buffer.alloc(0))).toMatch(/^400 The body is empty\. .*--data-binary @.*"input"/),
  );

  it.each([
    ['multipart/form-data', png, /sent as multipart\/form-data; .*--data-binary @photo.png, not --form/],
    ['application/x-www-form-urlencoded', Buffer.from('{"input":"a"}'), /looks like JSON.*application\/json/],
    ['', Buffer.from('\ufeff\r\n [1]'), /sent as nothing; it looks like JSON/],
    ['application/cloudevents+json', Buffer.from('{}'), /looks like JSON/],
    ['text/html', png, /sent as text\/html; send a PNG or a JPEG/],
    ['application/pdf', png, /sent as application\/pdf; send/],
    ['video/mp4', png, /sent as video\/mp4/],
    ['x'.repeat(10_000), png, /sent as xxx/],
  ])('refuses a body sent as %j and says what to do', (type, body, message) => {
    expect(told(type, body)).toMatch(/^415 /);
    expect(told(type, body)).toMatch(message);
  });
});
