// Reads the variables of OpenTelemetry that decide whether and where spans are sent. As its specification wants, a value that
// cannot be used is a warning, and never stops a function.
type Environment = Record<string, string | undefined>;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];

/**
 * Returns whether tracing is on: an endpoint or the exporter `otlp` is set, and it is not switched off. Calls `warn` with the reason if
 * it cannot be on as it is set, or sends in another way than it is set.
 */
export function isTracingOn(env: Environment, warn: (reason: string) => void): boolean {
  const exporter = env.OTEL_TRACES_EXPORTER ?? '';
  const endpoint = ENDPOINTS.find((name) => env[name]);
  const disabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() || 'false';
  if (disabled === 'true' || exporter === 'none') return false;
  if (exporter === '' && endpoint === undefined) return false;
  if (disabled !== 'false') warn(`OTEL_SDK_DISABLED: ${JSON.stringify(disabled)} is not true or false`);
  if (exporter !== '' && exporter !== 'otlp') {
    warn(`OTEL_TRACES_EXPORTER: ${JSON.stringify(exporter)} is not otlp or none`);
    return false;
  }
  // Its value may contain a password.
  if (endpoint !== undefined && !isHttpUrl(env[endpoint] ?? '')) {
    warn(`${endpoint}: it is not a URL starting with http:// or https://`);
    return false;
  }
  const protocol = PROTOCOLS.find((name) => env[name]);
  if (protocol !== undefined && env[protocol] !== 'http/json') {
    warn(`${protocol}: spans are sent as http/json, not as ${JSON.stringify(env[protocol])}`);
  }
  return true;
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
