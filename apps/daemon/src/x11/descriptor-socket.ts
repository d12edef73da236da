/// <reference path="./x11-package.d.ts" />
import type { Socket } from 'node:net';
import descriptors from 'x11/lib/fdpass.js';

/** A unix socket whose writes may carry one file descriptor each. */
export type DescriptorSocket = Socket & {
  /** Consumes the descriptor: it is closed once written, or when it could not be. Never beside a pending write. */
  sendFds(bytes: Buffer, descriptors: readonly number[], done: (error: Error | null) => void): void;
};

/**
 * Node's own sockets can't pass descriptors; the X11 package reaches the part of Node that can. Send only: a peer that
 * sends one back ends this process inside libuv, so nothing may be asked of it that answers so.
 * @returns null where this Node has no such part.
 */
export function connectDescriptorSocket(path: string): DescriptorSocket | null {
  return descriptors.connect(path) as DescriptorSocket | null;
}
