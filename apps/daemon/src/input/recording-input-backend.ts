import { type MouseButton, type Point, ProtocolError } from '@deskhand/protocol';
import type { InputBackend } from '../ports.ts';

/** Hands that only write down what they are told; for tests of what stands above them. */
export class RecordingInputBackend implements InputBackend {
  readonly name = 'recording';
  /** One line per primitive, e.g. `move 10,20`, `button left down`, `key ctrl down`, `type 5`. */
  readonly log: string[] = [];
  readonly held = new Set<string>();
  /** Called after each primitive with its line; may throw to play a server that refuses. */
  onPrimitive: (line: string) => void = () => {};
  #pointer: Point = { x: 0, y: 0 };

  async pointer(): Promise<Point> {
    return this.#pointer;
  }
  async moveTo(point: Point): Promise<void> {
    this.#pointer = point;
    this.#note(`move ${point.x},${point.y}`);
  }
  async button(button: MouseButton, down: boolean): Promise<void> {
    this.#hold(`button ${button}`, down);
    this.#note(`button ${button} ${down ? 'down' : 'up'}`);
  }
  async wheel(direction: 'up' | 'down' | 'left' | 'right'): Promise<void> {
    this.#note(`wheel ${direction}`);
  }
  async checkKey(key: string): Promise<void> {
    if (key === 'f24') throw new ProtocolError('UNKNOWN_KEY', 'This keyboard has no key "f24".');
  }
  async key(key: string, down: boolean): Promise<void> {
    await this.checkKey(key);
    this.#hold(`key ${key}`, down);
    this.#note(`key ${key} ${down ? 'down' : 'up'}`);
  }
  async typeText(text: string, gate: () => void): Promise<void> {
    for (const _character of text) {
      gate();
      this.#note('character');
    }
  }
  async releaseAll(): Promise<void> {
    this.held.clear();
    this.#note('release all');
  }
  async [Symbol.asyncDispose](): Promise<void> {}

  #hold(what: string, down: boolean): void {
    if (down) this.held.add(what);
    else this.held.delete(what);
  }
  #note(line: string): void {
    this.log.push(line);
    this.onPrimitive(line);
  }
}
