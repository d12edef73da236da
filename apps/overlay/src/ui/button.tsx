import type { ButtonHTMLAttributes } from 'preact';
import { Icon } from './icon.tsx';

type Props = Readonly<ButtonHTMLAttributes & { icon: string; label: string }>;

/** An icon and what it does in words. */
export function Button({ icon, label, ...rest }: Props) {
  return (
    <button type="button" {...rest}>
      <Icon name={icon} />
      {label}
    </button>
  );
}
