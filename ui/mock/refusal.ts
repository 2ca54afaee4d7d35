/** An answer in the one error shape. */
export class Refusal {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly message: string,
    readonly hint: string,
  ) {}
}
