import { findProgram } from '../applications/desktop-entries.ts';
import type { WordReader } from '../ports.ts';
import { RememberingWordReader } from './remembering-word-reader.ts';
import { TesseractWordReader } from './tesseract-word-reader.ts';
import { WasmWordReader } from './wasm-word-reader.ts';

/** The best text reader this system has; there is always one. */
export function chooseWordReader(inheritedEnv: Readonly<Record<string, string | undefined>>): WordReader {
  const find = (name: string) =>
    process.platform === 'linux' ? findProgram(name, inheritedEnv.PATH ?? '') : null;
  const tesseract = find('tesseract');
  const stdbuf = find('stdbuf');
  return new RememberingWordReader(
    tesseract === null || stdbuf === null
      ? new WasmWordReader()
      : new TesseractWordReader({ tesseract, stdbuf }, inheritedEnv),
  );
}
