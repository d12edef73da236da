const hidden = new WeakMap<Secret, string>();

/** A string that prints as "[secret]" in logs, JSON, errors and inspectors; read it only by `reveal()`. */
export class Secret {
  constructor(value: string) {
    hidden.set(this, value);
  }
  reveal(): string {
    return hidden.get(this) ?? '';
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}
