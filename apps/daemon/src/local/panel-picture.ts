import { errorAttributes, type Logger } from '@deskhand/base';
import { desktopToFrame, type FrameGeometry, type PanelThumbnail, type Point } from '@deskhand/protocol';
import type { Picture } from '../desktop/observe.ts';
import type { DaemonSocket } from './daemon-socket.ts';

const LARGEST = { width: 320, height: 180 };
const JPEG_QUALITY = 70;

/** The small picture of the desktop that panels show, with the cross-hair where the agent acts next. */
export class PanelPicture {
  readonly #socket: () => Pick<DaemonSocket, 'wantsThumbnails' | 'thumbnail'> | undefined;
  readonly #log: Logger;
  #target: Point | null = null;
  /** What panels were shown last. */
  #shown: { message: PanelThumbnail; geometry: FrameGeometry } | null = null;
  #encoding = false;

  constructor(socket: () => Pick<DaemonSocket, 'wantsThumbnails' | 'thumbnail'> | undefined, log: Logger) {
    this.#socket = socket;
    this.#log = log;
  }

  /** Called while the picture's pixels are still there. One at a time: one that is late is of no use. */
  show(picture: Picture): void {
    const socket = this.#socket();
    if (socket?.wantsThumbnails !== true || this.#encoding) return;
    this.#encoding = true;
    const { width, height } = picture.region;
    const factor = Math.min(1, LARGEST.width / width, LARGEST.height / height);
    const maxSidePx = Math.max(64, Math.floor(Math.max(width, height) * factor));
    picture
      .encode({ maxSidePx, quality: JPEG_QUALITY })
      .then(({ frame, bytes }) => {
        const { geometry } = frame;
        const message: PanelThumbnail = {
          type: 'thumbnail',
          jpegBase64: Buffer.from(bytes).toString('base64'),
          width: geometry.image.width,
          height: geometry.image.height,
          target: this.#target === null ? null : desktopToFrame(geometry, this.#target),
        };
        this.#shown = { message, geometry };
        socket.thumbnail(message);
      })
      .catch((error) => this.#log.warn('no thumbnail', errorAttributes(error)))
      .finally(() => {
        this.#encoding = false;
      });
  }

  /** The same picture with the cross-hair elsewhere. @param target desktop space; null for none. */
  aim(target: Point | null): void {
    this.#target = target;
    const shown = this.#shown;
    const socket = this.#socket();
    if (shown === null || socket?.wantsThumbnails !== true) return;
    const at = target === null ? null : desktopToFrame(shown.geometry, target);
    if (at?.x === shown.message.target?.x && at?.y === shown.message.target?.y) return;
    shown.message = { ...shown.message, target: at };
    socket.thumbnail(shown.message);
  }

  /** Nobody acts any more. */
  forget(): void {
    this.#target = null;
    this.#shown = null;
  }
}
