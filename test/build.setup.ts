// The integration tests run the functions from their bundles, as in production.
import { buildIfStale } from '../scripts/build.ts';

export default () => buildIfStale();
