import type { Logger } from '@deskhand/base';
import {
  centerOf,
  contains,
  type Display,
  DisplayId,
  type Point,
  type Rect,
  union,
} from '@deskhand/protocol';
import { openWayland, type WaylandConnection, type WaylandGlobal, type WaylandObject } from './connection.ts';

/**
 * One output. The compositor places outputs in logical pixels; desktop space has physical ones, so every origin is
 * multiplied by the largest scale of all: nothing overlaps, and outputs of one scale keep their borders.
 */
export type WaylandDisplay = Readonly<{
  display: Display;
  output: WaylandObject<'wl_output'>;
  logical: Rect;
  /** Turned outputs are copied as their panel is mounted; 0 is upright. See wl_output.transform. */
  transform: number;
}>;

type Facts = {
  output: WaylandObject<'wl_output'>;
  name: string;
  mode: { width: number; height: number };
  logical: Rect;
  transform: number;
};

const CURRENT_MODE = 1;

/**
 * Something that lives on a connection of its own and knows the outputs; the connection is closed when it can't be made.
 * @throws ProtocolError DISPLAY_UNAVAILABLE, FEATURE_NOT_AVAILABLE, and what `make` throws
 */
export async function openOnWayland<T>(
  options: { socket: string; log: Logger },
  make: (connection: WaylandConnection, displays: WaylandDisplays) => T | Promise<T>,
): Promise<T> {
  const connection = await openWayland(options);
  try {
    const displays = new WaylandDisplays(connection);
    await displays.start();
    return await make(connection, displays);
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** The outputs of a compositor, as they come and go. */
export class WaylandDisplays {
  readonly #connection: WaylandConnection;
  readonly #listeners = new Set<(displays: readonly WaylandDisplay[]) => void>();
  readonly #facts = new Map<number, Facts>();
  #shown = '';
  #manager: WaylandObject<'zxdg_output_manager_v1'> | undefined;

  constructor(connection: WaylandConnection) {
    this.#connection = connection;
  }

  async start(): Promise<void> {
    this.#manager = this.#connection.require('zxdg_output_manager_v1', 3);
    for (const global of this.#connection.globals('wl_output')) this.#add(global);
    // One for what the bound outputs say, one for what their logical places are.
    await this.#connection.roundTrip();
    await this.#connection.roundTrip();
    this.#shown = this.#key();
    this.#connection.onGlobal(({ added, removed }) => {
      if (added?.interface === 'wl_output') this.#add(added);
      if (removed !== undefined && this.#facts.delete(removed)) this.#announce();
    });
  }

  onChanged(listener: (displays: readonly WaylandDisplay[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get all(): readonly WaylandDisplay[] {
    const lit = [...this.#facts.values()].filter(({ mode, logical }) => mode.width > 0 && logical.width > 0);
    const scales = lit.map((facts) => sizeOf(facts).width / facts.logical.width);
    const largest = Math.max(1, ...scales);
    return lit.map((facts, index) => ({
      output: facts.output,
      logical: facts.logical,
      transform: facts.transform,
      display: {
        id: DisplayId.parse(`wl:${facts.name}`),
        name: facts.name,
        bounds: {
          x: Math.round(facts.logical.x * largest),
          y: Math.round(facts.logical.y * largest),
          ...sizeOf(facts),
        },
        scale: Math.round((scales[index] as number) * 1000) / 1000,
        // Wayland has no such notion; the one at the origin, else the first.
        primary:
          index ===
          Math.max(
            0,
            lit.findIndex(({ logical: { x, y } }) => x === 0 && y === 0),
          ),
      },
    }));
  }

  #add(global: WaylandGlobal): void {
    const output = this.#connection.bind(global, 'wl_output', 4);
    const none = { x: 0, y: 0, width: 0, height: 0 };
    const facts: Facts = {
      output,
      name: `output-${global.name}`,
      mode: { width: 0, height: 0 },
      logical: none,
      transform: 0,
    };
    this.#facts.set(global.name, facts);
    output.on('geometry', (...values) => {
      facts.transform = Number(values[7]);
    });
    output.on('mode', (flags, width, height) => {
      if ((Number(flags) & CURRENT_MODE) !== 0) facts.mode = { width: Number(width), height: Number(height) };
    });
    output.on('name', (name) => {
      facts.name = String(name);
    });
    output.on('done', () => this.#announce());
    const place = this.#manager?.create('get_xdg_output', 'zxdg_output_v1', output);
    place?.on('logical_position', (x, y) => {
      facts.logical = { ...facts.logical, x: Number(x), y: Number(y) };
    });
    place?.on('logical_size', (width, height) => {
      facts.logical = { ...facts.logical, width: Number(width), height: Number(height) };
    });
    place?.on('name', (name) => {
      facts.name = String(name);
    });
    // Before version 3 this is the only word that all is said.
    place?.on('done', () => this.#announce());
  }

  #announce(): void {
    const key = this.#key();
    if (key === this.#shown || this.#shown === '') return;
    this.#shown = key;
    const { all } = this;
    for (const listener of [...this.#listeners]) listener(all);
  }

  #key(): string {
    return JSON.stringify(this.all.map(({ display }) => display));
  }
}

/** Pixels of the picture as it is seen; quarter turns exchange the sides of the panel's mode. */
function sizeOf({ mode, transform }: Facts): { width: number; height: number } {
  return transform % 2 === 0 ? mode : { width: mode.height, height: mode.width };
}

/** The whole arrangement in logical pixels: what absolute pointer positions are a share of. */
export function logicalBounds(displays: readonly WaylandDisplay[]): Rect {
  const [first, ...others] = displays.map(({ logical }) => logical);
  return first === undefined ? { x: 0, y: 0, width: 0, height: 0 } : others.reduce(union, first);
}

/** The nearest desktop pixel that is on a display. */
export function nearestOn(
  displays: readonly WaylandDisplay[],
  point: Point,
): { on: WaylandDisplay; point: Point } | undefined {
  let best: { on: WaylandDisplay; point: Point; distance: number } | undefined;
  for (const on of displays) {
    const { x, y, width, height } = on.display.bounds;
    const inside = {
      x: Math.min(x + width - 1, Math.max(x, Math.round(point.x))),
      y: Math.min(y + height - 1, Math.max(y, Math.round(point.y))),
    };
    const distance = Math.hypot(inside.x - point.x, inside.y - point.y);
    if (best === undefined || distance < best.distance) best = { on, point: inside, distance };
  }
  return best;
}

/** From logical pixels, as the compositor counts, to desktop space; by the output that holds the middle. */
export function toDesktop(displays: readonly WaylandDisplay[], logical: Rect): Rect {
  const on = displays.find((each) => contains(each.logical, centerOf(logical))) ?? displays[0];
  if (on === undefined) return logical;
  const { bounds } = on.display;
  return mapped(logical, on.logical, bounds);
}

/** The opposite of {@link toDesktop}. */
export function toLogical(displays: readonly WaylandDisplay[], rect: Rect): Rect {
  const on = displays.find((each) => contains(each.display.bounds, centerOf(rect))) ?? displays[0];
  return on === undefined ? rect : mapped(rect, on.display.bounds, on.logical);
}

function mapped(rect: Rect, from: Rect, to: Rect): Rect {
  const across = to.width / from.width;
  const down = to.height / from.height;
  return {
    x: Math.round(to.x + (rect.x - from.x) * across),
    y: Math.round(to.y + (rect.y - from.y) * down),
    width: Math.round(rect.width * across),
    height: Math.round(rect.height * down),
  };
}
