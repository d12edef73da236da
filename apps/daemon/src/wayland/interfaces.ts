/**
 * The parts of the Wayland protocols that eyes and hands speak, in the order of their opcodes: a name, then its
 * arguments (u unsigned, i signed, f fixed point, s string, o object or null, n new object, h file descriptor).
 * wl_keyboard and everything else that sends descriptors is left out on purpose; see `connectDescriptorSocket`.
 */
export const INTERFACES = {
  wl_display: { requests: ['sync n', 'get_registry n'], events: ['error ous', 'delete_id u'] },
  wl_registry: { requests: ['bind usun'], events: ['global usu', 'global_remove u'] },
  wl_callback: { requests: [], events: ['done u'] },
  wl_seat: { requests: [], events: ['capabilities u', 'name s'] },
  wl_shm: { requests: ['create_pool nhi'], events: ['format u'] },
  wl_shm_pool: { requests: ['create_buffer niiiiu', 'destroy '], events: [] },
  wl_buffer: { requests: ['destroy '], events: ['release '] },
  wl_output: {
    requests: ['release '],
    events: ['geometry iiiiissi', 'mode uiii', 'done ', 'scale i', 'name s', 'description s'],
  },
  zxdg_output_manager_v1: { requests: ['destroy ', 'get_xdg_output no'], events: [] },
  zxdg_output_v1: {
    requests: ['destroy '],
    events: ['logical_position ii', 'logical_size ii', 'done ', 'name s', 'description s'],
  },
  zwlr_screencopy_manager_v1: {
    requests: ['capture_output nio', 'capture_output_region nioiiii', 'destroy '],
    events: [],
  },
  zwlr_screencopy_frame_v1: {
    requests: ['copy o', 'destroy '],
    events: [
      'buffer uuuu',
      'flags u',
      'ready uuu',
      'failed ',
      'damage uuuu',
      'linux_dmabuf uuu',
      'buffer_done ',
    ],
  },
  zwlr_virtual_pointer_manager_v1: { requests: ['create_virtual_pointer on'], events: [] },
  zwlr_virtual_pointer_v1: {
    requests: [
      'motion uff',
      'motion_absolute uuuuu',
      'button uuu',
      'axis uuf',
      'frame ',
      'axis_source u',
      'axis_stop uu',
      'axis_discrete uufi',
      'destroy ',
    ],
    events: [],
  },
  zwp_virtual_keyboard_manager_v1: { requests: ['create_virtual_keyboard on'], events: [] },
  zwp_virtual_keyboard_v1: { requests: ['keymap uhu', 'key uuu', 'modifiers uuuu', 'destroy '], events: [] },
} as const satisfies Record<string, { requests: readonly string[]; events: readonly string[] }>;

export type InterfaceName = keyof typeof INTERFACES;

type NameIn<Line> = Line extends `${infer Name} ${string}` ? Name : never;
export type RequestName<I extends InterfaceName> = NameIn<(typeof INTERFACES)[I]['requests'][number]>;
export type EventName<I extends InterfaceName> = NameIn<(typeof INTERFACES)[I]['events'][number]>;

/** Opcode and argument letters of a line in the table. */
export function lineOf(lines: readonly string[], name: string): { opcode: number; letters: string } {
  const opcode = lines.findIndex((line) => line.startsWith(`${name} `));
  const line = lines[opcode];
  if (line === undefined) throw new Error(`the table of Wayland interfaces has no ${name}`);
  return { opcode, letters: line.slice(name.length + 1) };
}
