import { contextBridge, ipcRenderer } from 'electron';
import { CHANNELS } from '../main/channels.ts';

/** All that the page gets: six named functions. No channel name, no event object, no `ipcRenderer`. */
contextBridge.exposeInMainWorld('deskhand', {
  subscribe: (listener: (message: unknown) => void) => {
    ipcRenderer.on(CHANNELS.message, (_event, message: unknown) => listener(message));
  },
  ready: (probeId?: string) => ipcRenderer.send(CHANNELS.ready, ...(probeId === undefined ? [] : [probeId])),
  stop: (id: string) => ipcRenderer.send(CHANNELS.stop, id),
  control: (id: string, name: string, runId?: string) =>
    ipcRenderer.send(CHANNELS.control, id, name, ...(runId === undefined ? [] : [runId])),
  decide: (id: string, name: string, what: object) => ipcRenderer.send(CHANNELS.decide, id, name, what),
  setCollapsed: (collapsed: boolean) => ipcRenderer.send(CHANNELS.collapse, collapsed),
});
