// The part of WebAssembly that the JPEG decoder uses. TypeScript only has it together with all browser types.
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }
  class Memory {
    constructor(pages: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(
      module: Module,
      imports: Record<string, Record<string, Memory | ((...numbers: number[]) => void)>>,
    );
    readonly exports: unknown;
  }
  function compile(code: Uint8Array): Promise<Module>;
}
