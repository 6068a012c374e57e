/** A queue that is bounded: when it is full the oldest makes room, and is counted. */

/** @template Item */
export class Queue {
  /** @type {{item: Item, weight: number}[]} */
  #entries = [];
  /** Entries before this one are gone; they are cut off now and then, so that taking one costs nothing. */
  #first = 0;
  #held = false;
  #limit;
  #onDrop;
  /** Of all that is in it. */
  weight = 0;

  /**
   * @param {number} limit of the weight
   * @param {(item: Item) => void} onDrop
   */
  constructor(limit, onDrop) {
    this.#limit = limit;
    this.#onDrop = onDrop;
  }

  /** @returns {number} */
  get length() {
    return this.#entries.length - this.#first;
  }

  /** @param {Item} item @param {number} [weight] */
  push(item, weight = 1) {
    this.#entries.push({ item, weight });
    this.weight += weight;
    while (this.weight > this.#limit && this.length > 1 && !(this.#held && this.length === 2)) this.#onDrop(this.#takeOldest());
  }

  /** The oldest, which from now on is kept until `release`: it is being sent. @returns {Item | undefined} */
  hold() {
    this.#held = this.length > 0;
    return this.#entries[this.#first]?.item;
  }

  /** @param {boolean} done whether the oldest is not needed any more */
  release(done) {
    this.#held = false;
    if (done) this.#take(this.#first);
  }

  /**
   * @param {number} count at most
   * @param {(item: Item, next: Item) => boolean} [together] whether two that follow one another must not be parted, if that can be helped
   * @returns {Item[]} the oldest, taken out
   */
  take(count, together = () => false) {
    const most = Math.min(count, this.length), seam = this.#seam(most, together);
    return Array.from({ length: seam || most }, () => this.#take(this.#first));
  }

  /** @param {number} place @param {(item: Item, next: Item) => boolean} together @returns {number} the last place where parting is allowed */
  #seam(place, together) {
    const item = (/** @type {number} */ index) => this.#entries[this.#first + index].item;
    while (place > 0 && place < this.length && together(item(place - 1), item(place))) place -= 1;
    return place;
  }

  /** @returns {Item} */
  #takeOldest() {
    return this.#take(this.#first + Number(this.#held));
  }

  /** @param {number} index @returns {Item} */
  #take(index) {
    const { item, weight } = this.#entries[index];
    // What is held stays, one place further on.
    if (index > this.#first) this.#entries[index] = this.#entries[this.#first];
    this.#first += 1;
    this.weight -= weight;
    if (this.#first > 1_024 && this.#first * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }
}
