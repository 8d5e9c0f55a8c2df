// Settings that the SDK cannot use. It reports some of them to its own log, `diag`, which goes to ours, and drops the others silently.
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { resourceAttributesEnvDetector } from '@opentelemetry/resources';

type Environment = Record<string, string | undefined>;

const HEADERS = ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'];
const ignore = (): void => {};

/** Calls `warn` once with each warning of the SDK, even if it is repeated. Its errors are about sending, which ReportingExporter logs. */
export function forwardWarnings(warn: (reason: string) => void): void {
  const told = new Set<string>();
  const once = (message: string): void => {
    const kind = message.replaceAll(/[0-9a-f]*\d[0-9a-f]*/g, ''); // Without counts and ids.
    if (told.has(kind)) return;
    told.add(kind);
    warn(message);
  };
  diag.setLogger(
    { error: ignore, warn: once, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** Calls `warn` for lists that the SDK drops silently. What they contain is not shown, because it may be a secret. */
export function checkLists(env: Environment, warn: (reason: string) => void): void {
  for (const name of HEADERS) {
    entriesOf(env[name]).forEach((entry, at) => {
      // The SDK drops what follows a semicolon.
      if (!entry.includes(';') && Object.keys(parseKeyPairsIntoRecord(entry)).length > 0) return;
      warn(
        `${name}: entry ${at + 1} is not sent as it is; it must be name=value, with %XX for special characters`,
      );
    });
  }
  const name = 'OTEL_RESOURCE_ATTRIBUTES';
  const { attributes = {} } = resourceAttributesEnvDetector.detect();
  if (entriesOf(env[name]).length > 0 && Object.keys(attributes).length === 0) {
    warn(`${name}: none is used; each must be name=value, up to 255 characters, with %XX for special ones`);
  }
}

function entriesOf(list = ''): string[] {
  return list.split(',').filter((entry) => entry.trim() !== '');
}
