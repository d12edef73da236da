import { errorAttributes, type Logger } from '@deskhand/base';
import { decodeValue } from '@deskhand/protocol';
import type { IpcMainEvent } from 'electron';
import { z } from 'zod';
import { RendererCommand } from '../core/panel-wire.ts';
import { APP_ORIGIN, CHANNELS } from './channels.ts';
import type { ElectronPort, PanelContents } from './port.ts';

const Id = z.string().min(1).max(64);
const Control = z.tuple([Id, z.enum(['pause', 'resume', 'takeover', 'hand_back', 'cancel', 'reset'])]);
const Replay = z.tuple([Id, z.literal('replay'), z.string().regex(/^[\w-]{1,128}$/)]);
const Decide = z.tuple([
  Id,
  z.enum(['approve', 'deny', 'resume', 'hand_back', 'reset']),
  z.strictObject({
    note: z.string().max(2000).optional(),
    requestId: z.string().max(128).optional(),
    digest: z.string().max(128).optional(),
    scope: z.enum(['once', 'run', 'always']).optional(),
    code: z
      .string()
      .regex(/^\d{4}$/)
      .optional(),
  }),
]);

export type PanelIpcListener = Readonly<{
  ready(): void;
  painted(probeId: string): void;
  replay(runId: string): void;
  command(command: RendererCommand): void;
  collapse(collapsed: boolean): void;
}>;

/**
 * Everything that comes from the page: only from the main frame of our own window and origin, and only in the
 * shapes above. Anything else is dropped and logged without its content.
 * @param contents the panel's page at this moment; it is another one after a crash.
 */
export function listenToPanel(
  ipcMain: ElectronPort['ipcMain'],
  contents: () => PanelContents | null,
  listener: PanelIpcListener,
  log: Logger,
): void {
  const on = <Schema extends z.ZodType>(
    channel: string,
    schema: Schema,
    then: (payload: z.output<Schema>) => void,
  ) => {
    ipcMain.on(channel, (event, ...payload: unknown[]) => {
      if (!isOurPage(event, contents())) {
        log.warn('a message from another page was dropped', { channel });
        return;
      }
      try {
        then(decodeValue(schema, payload));
      } catch (error) {
        log.warn('a message of the page was dropped', { channel, ...errorAttributes(error) });
      }
    });
  };
  const command = (parts: Omit<RendererCommand, 'type'>) =>
    listener.command(RendererCommand.parse({ type: 'command', ...parts }));

  on(CHANNELS.ready, z.union([z.tuple([]), z.tuple([Id])]), ([probeId]) =>
    probeId === undefined ? listener.ready() : listener.painted(probeId),
  );
  on(CHANNELS.stop, z.tuple([Id]), ([id]) => command({ id, name: 'stop' }));
  on(CHANNELS.control, z.union([Control, Replay]), ([id, name, runId]) =>
    name === 'replay' ? listener.replay(runId) : command({ id, name }),
  );
  on(CHANNELS.decide, Decide, ([id, name, what]) => command({ id, name, ...what }));
  on(CHANNELS.collapse, z.tuple([z.boolean()]), ([collapsed]) => listener.collapse(collapsed));
}

function isOurPage(event: IpcMainEvent, contents: PanelContents | null): boolean {
  const frame = event.senderFrame;
  if (frame === null || contents === null || contents.isDestroyed()) return false;
  return event.sender.id === contents.id && frame === contents.mainFrame && frame.origin === APP_ORIGIN;
}
