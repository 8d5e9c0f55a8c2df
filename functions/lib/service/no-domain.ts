// Replaces Node's `domain` module in the bundles. The framework wraps every request in a domain to catch
// errors outside a handler's promise, but our handlers catch their own errors (see http.ts). The first domain
// switches on hooks for every promise of the process, which costs split a tenth of its CPU time.

/** The one thing the framework uses a domain for: running a function. */
export function create() {
  return {
    on: () => {},
    run: (work: () => void) => {
      work();
    },
  };
}
