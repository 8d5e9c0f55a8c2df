// Asks for the access token when split requires one.
import { useEffect, useRef } from 'preact/hooks';
import { tokenWanted, useToken } from './token.ts';

export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const wanted = tokenWanted.value;
  const show = () => {
    if (tokenWanted.peek() === 'no') dialog.current?.close();
    else if (dialog.current?.open === false) dialog.current.showModal();
    field.current?.select();
  };
  useEffect(show, [wanted]);
  return (
    // A browser closes the dialog when Esc is pressed twice, so it is shown again as long as a token is wanted.
    <dialog
      ref={dialog}
      aria-labelledby="token-title"
      onCancel={(event) => event.preventDefault()}
      onClose={show}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const token = field.current?.value ?? '';
          if (token.trim() !== '') useToken(token);
        }}
      >
        <h2 id="token-title">An access token is required</h2>
        <p>It is kept in this tab until you close it, and is only sent to this server.</p>
        <label class="field">
          <span>Access token</span>
          <input
            ref={field}
            type="password"
            autoComplete="off"
            aria-invalid={wanted === 'refused'}
            aria-describedby="token-fault"
          />
        </label>
        <p id="token-fault" class="fault" role="alert">
          {wanted === 'refused' && 'That token was not accepted.'}
        </p>
        <p class="buttons">
          <button type="submit" class="primary">
            Continue
          </button>
        </p>
      </form>
    </dialog>
  );
}
