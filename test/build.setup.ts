// The integration tests run the functions as they run in production: from their bundles.
import { buildIfStale } from '../scripts/build.ts';

export default () => buildIfStale();
