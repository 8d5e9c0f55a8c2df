// Reads the values of settings. Each reader throws an Error that says what is required.
import { parseAccessTokens, type AccessToken } from './access-tokens.ts';
import { isKernelSize } from './kernel-size.ts';

/** Parses one setting's text. Throws an Error that says what is required. */
export type Parse<T> = (text: string) => T;

/** The text for no value, for a URL or a list that may be missing. */
export const NONE = 'none';

/** A number written in plain digits. `Number` reads much more: 0x10, 1e9, blanks. */
const WHOLE = /^\d+$/;
const DECIMAL = /^\d+(\.\d+)?$/;

export const integer =
  (min: number, max: number): Parse<number> =>
  (text) => {
    const value = Number(text);
    if (WHOLE.test(text) && value >= min && value <= max) return value;
    throw new Error(`an integer from ${min} to ${max}`);
  };

export const fraction: Parse<number> = (text) => {
  const value = Number(text);
  if (DECIMAL.test(text) && value > 0 && value <= 1) return value;
  throw new Error('a number above 0 and up to 1');
};

export const oneOf =
  <T extends string>(...values: T[]): Parse<T> =>
  (text) => {
    const value = values.find((each) => each === text);
    if (value === undefined) throw new Error(`one of ${values.join(', ')}`);
    return value;
  };

export const matching =
  (pattern: RegExp, wanted: string): Parse<string> =>
  (text) => {
    if (!pattern.test(text)) throw new Error(wanted);
    return text;
  };

const url =
  (...protocols: string[]): Parse<string> =>
  (text) => {
    const isOfThese = protocols.some((protocol) => text.toLowerCase().startsWith(`${protocol}//`));
    if (!isOfThese || !URL.canParse(text)) {
      throw new Error(`a URL starting with ${protocols.map((each) => `${each}//`).join(' or ')}`);
    }
    return text;
  };

/** The URL of Redis. ioredis decodes user and password, and treats the path as the number of a database. */
export const redisUrl: Parse<string> = (text) => {
  const { hostname, username, password, pathname } = new URL(url('redis:', 'rediss:')(text));
  if (hostname === '') throw new Error('a URL with a host');
  if (!isDecodable(username) || !isDecodable(password)) {
    throw new Error('a URL with its user name and its password in percent-encoded UTF-8');
  }
  if (!/^\/?\d*$/.test(pathname))
    throw new Error('a URL without a path, or with the number of a database as its path');
  return text;
};

function isDecodable(text: string): boolean {
  try {
    // The bundler would remove a call whose result is not used.
    return typeof decodeURIComponent(text) === 'string';
  } catch {
    return false;
  }
}

const withoutLogin: Parse<string> = (text) => {
  const { username, password } = new URL(url('http:', 'https:')(text));
  if (username !== '' || password !== '') throw new Error('a URL without a user name or a password');
  return text;
};

/** Where events are sent. Node refuses to send to a URL with a password, and its error shows the whole URL. */
export const sink = withoutLogin;

/** Where assemble is woken; null if it always runs. */
export const wakeUrl: Parse<string | null> = (text) => (text === NONE ? null : withoutLogin(text));

/** The address of an S3-compatible service. Credentials never come from here. */
export const s3Endpoint: Parse<string> = (text) => (text === 'aws' ? text : withoutLogin(text));

/** `portraits/ kernel=31; photos/ filter=sharpen&amount=2`. split checks the parameters. */
export const inputRules: Parse<{ prefix: string; query: string }[]> = (text) =>
  (text === NONE ? [] : text.split(';')).map((rule) => {
    const [, prefix, query] = /^\s*(.*\S)\s+(\S+)\s*$/.exec(rule) ?? [];
    if (query === undefined)
      throw new Error('a list of "PREFIX PARAMETERS", such as "photos/ kernel=31; maps/ kernel=5"');
    return { prefix, query };
  });

export const doneSink: Parse<string | null> = (text) => (text === NONE ? null : sink(text));

export const kernel: Parse<number> = (text) => {
  const value = Number(text);
  if (WHOLE.test(text) && isKernelSize(value)) return value;
  throw new Error('an odd integer from 1 to 255');
};

export const accessTokens: Parse<AccessToken[]> = (text) => (text === NONE ? [] : parseAccessTokens(text));

export const text: Parse<string> = (value) => value;
