// Tasks: the feed, and one task's whole story.

import type { JSX } from "preact";
import { route } from "../lib/route.ts";
import { TaskFeed } from "./tasks-feed.tsx";
import { TaskStory } from "./tasks-story.tsx";

export default function Tasks(): JSX.Element {
  const [id] = route.value.args;
  return id ? <TaskStory key={id} id={id} /> : <TaskFeed />;
}
