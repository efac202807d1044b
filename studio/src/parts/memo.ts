import { Component, type FunctionComponent, h } from "preact";

/** A component that is drawn again only when one of its properties is another. */
export function memo<P extends object>(draw: FunctionComponent<P>): FunctionComponent<P> {
  class Kept extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return Object.keys(next).some((name) => next[name as keyof P] !== this.props[name as keyof P]);
    }

    override render() {
      return draw(this.props as P, undefined);
    }
  }
  return (props) => h(Kept, props as never);
}
