import { findProgram } from '../applications/desktop-entries.ts';
import type { WordReader } from '../ports.ts';
import { RememberingWordReader } from './remembering-word-reader.ts';
import { TesseractWordReader } from './tesseract-word-reader.ts';
import { WasmWordReader } from './wasm-word-reader.ts';

/** The best text reader this system has; there is always one. */
export function chooseWordReader(inheritedEnv: Readonly<Record<string, string | undefined>>): WordReader {
  const program = process.platform === 'linux' ? findProgram('tesseract', inheritedEnv.PATH ?? '') : null;
  return new RememberingWordReader(
    program === null ? new WasmWordReader() : new TesseractWordReader(program, inheritedEnv),
  );
}
