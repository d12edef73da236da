import {
  type CreateMachineRequest,
  CreateMachineResponse,
  LifecycleResponse,
  MachineList,
  type MachineRecord,
  MachineResponse,
  MachineScreenshot,
  type PatchMachineRequest,
  PatchMachineResponse,
} from '@deskhand/protocol';
import type { z } from 'zod';
import type { CallOptions } from './call-options.ts';
import { type Http, segment } from './http.ts';

export type CreateMachineInput = z.input<typeof CreateMachineRequest>;

/** `/v1/machines` */
export class Machines {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  /** `limit` 1 … 200, default 50. */
  list(options: CallOptions & { limit?: number } = {}): Promise<MachineList> {
    return this.#http.json(MachineList, {
      method: 'GET',
      path: '/machines',
      query: { limit: options.limit },
      signal: options.signal,
    });
  }

  async get(machineId: string, options: CallOptions = {}): Promise<MachineRecord> {
    const { machine } = await this.#http.json(MachineResponse, {
      method: 'GET',
      path: `/machines/${segment(machineId)}`,
      signal: options.signal,
    });
    return machine;
  }

  /** Registers a machine. `enrollment` in the answer, shown once, is what the desktop joins with. */
  create(
    input: CreateMachineInput,
    options: CallOptions & { idempotencyKey?: string } = {},
  ): Promise<CreateMachineResponse> {
    return this.#http.json(CreateMachineResponse, {
      method: 'POST',
      path: '/machines',
      body: input,
      idempotencyKey: options.idempotencyKey,
      signal: options.signal,
    });
  }

  /** Unregisters the machine, cuts its link and cancels its runs. */
  remove(machineId: string, options: CallOptions = {}): Promise<LifecycleResponse> {
    return this.#http.json(LifecycleResponse, {
      method: 'DELETE',
      path: `/machines/${segment(machineId)}`,
      signal: options.signal,
    });
  }

  /** Allows remote control again after `stop`. Never undoes a tripped kill switch: only a person there does. */
  start(machineId: string, options: CallOptions = {}): Promise<LifecycleResponse> {
    return this.#lifecycle(machineId, 'start', options);
  }

  /** Suspends remote control; the computer itself stays on. */
  stop(machineId: string, options: CallOptions = {}): Promise<LifecycleResponse> {
    return this.#lifecycle(machineId, 'stop', options);
  }

  /** Restarts the link to the desktop, not its operating system. */
  restart(machineId: string, options: CallOptions = {}): Promise<LifecycleResponse> {
    return this.#lifecycle(machineId, 'restart', options);
  }

  /** `ttl_minutes`: unregister by itself after so many minutes; 0 clears it. */
  patch(
    machineId: string,
    changes: PatchMachineRequest,
    options: CallOptions = {},
  ): Promise<PatchMachineResponse> {
    return this.#http.json(PatchMachineResponse, {
      method: 'PATCH',
      path: `/machines/${segment(machineId)}`,
      body: changes,
      signal: options.signal,
    });
  }

  /** What the machine shows now; pixels as base64 in `image_b64`. */
  screenshot(machineId: string, options: CallOptions = {}): Promise<MachineScreenshot> {
    return this.#http.json(MachineScreenshot, {
      method: 'GET',
      path: `/machines/${segment(machineId)}/screenshot`,
      signal: options.signal,
    });
  }

  #lifecycle(machineId: string, verb: string, options: CallOptions): Promise<LifecycleResponse> {
    return this.#http.json(LifecycleResponse, {
      method: 'POST',
      path: `/machines/${segment(machineId)}/${verb}`,
      body: {},
      signal: options.signal,
    });
  }
}
