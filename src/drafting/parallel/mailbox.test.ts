import { expect, test } from "vitest";
import { Mailbox } from "./mailbox.ts";

const words = (message: Int32Array | undefined) => message && Array.from(message);

test("messages come in order, whole, over the end of the memory, and past 2^31 integers", () => {
  const mailbox = new Mailbox(Mailbox.allocate(16));
  const sent: number[][] = [];
  for (let i = 0; i < 200; i++) {
    const message = Array.from({ length: i % 8 }, (_, j) => i * 10 + j - 1000);
    expect(mailbox.post(message)).toBe(true);
    sent.push(message);
    if (i % 2 === 1) while (sent.length > 0) expect(words(mailbox.take())).toEqual(sent.shift());
  }
  expect(mailbox.take()).toBeUndefined();
  const control = new Int32Array(mailbox.buffer, 0, 2);
  control.fill(0x7fffffff - 2);
  for (let i = 0; i < 5; i++) {
    mailbox.post([i, 7]);
    expect(words(mailbox.take())).toEqual([i, 7]);
  }
});

test("a full mailbox refuses, and loses nothing", () => {
  const mailbox = new Mailbox(Mailbox.allocate(8));
  expect(mailbox.post([1, 2, 3])).toBe(true);
  expect(mailbox.post([4, 5, 6, 7])).toBe(false);
  expect(mailbox.post([4, 5, 6])).toBe(true);
  expect(mailbox.post([])).toBe(false);
  expect(words(mailbox.take())).toEqual([1, 2, 3]);
  expect(words(mailbox.take())).toEqual([4, 5, 6]);
});

test("waiting ends at once when there is a message, and with time when there is none", () => {
  const mailbox = new Mailbox(Mailbox.allocate(8));
  mailbox.wait(1);
  mailbox.post([1]);
  mailbox.wait();
  expect(words(mailbox.take())).toEqual([1]);
});
