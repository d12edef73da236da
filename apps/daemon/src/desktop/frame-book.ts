import { StopError } from '@deskhand/base';
import {
  type FrameGeometry,
  frameToDesktop,
  isInsideFrame,
  type Point,
  ProtocolError,
} from '@deskhand/protocol';

const REMEMBERED = 64;
/** No arrangement of displays is called this. */
const OUTDATED = 'outdated';

/** Geometry of the frames this desktop has sent, by id: a point is mapped with its own frame's geometry (GEO1). */
export class FrameBook {
  readonly #frames = new Map<string, FrameGeometry>();
  #arrangement = new AbortController();

  /** Aborts with FRAME_STALE when the displays change; the next time it is asked for, it is a new one. */
  get arrangement(): AbortSignal {
    return this.#arrangement.signal;
  }

  add(geometry: FrameGeometry): void {
    this.#frames.set(geometry.frameId, geometry);
    const oldest = this.#frames.keys().next().value;
    if (this.#frames.size > REMEMBERED && oldest !== undefined) this.#frames.delete(oldest);
  }

  /** The displays changed: what was seen before says nothing any more, even if they come back as they were. */
  outdate(): void {
    for (const [id, geometry] of this.#frames) this.#frames.set(id, { ...geometry, layoutId: OUTDATED });
    const before = this.#arrangement;
    this.#arrangement = new AbortController();
    before.abort(new StopError('FRAME_STALE', 'The displays changed meanwhile; look again.'));
  }

  /** @throws ProtocolError FRAME_UNKNOWN, FRAME_STALE */
  find(frameId: string | null, layoutId: string): FrameGeometry {
    const geometry = frameId === null ? undefined : this.#frames.get(frameId);
    if (geometry === undefined)
      throw new ProtocolError('FRAME_UNKNOWN', 'This daemon does not know the named frame; look again.');
    if (geometry.layoutId !== layoutId)
      throw new ProtocolError('FRAME_STALE', 'The displays changed since that frame; look again.');
    return geometry;
  }

  /** @throws ProtocolError POINT_OUTSIDE_FRAME */
  static toDesktop(geometry: FrameGeometry, point: Point): Point {
    if (!isInsideFrame(geometry, point))
      throw new ProtocolError(
        'POINT_OUTSIDE_FRAME',
        `The point ${point.x}, ${point.y} is outside the ${geometry.image.width}x${geometry.image.height} frame.`,
      );
    return frameToDesktop(geometry, point);
  }
}
