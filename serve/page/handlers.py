"""What the page does when something is pressed. A browser is believed nothing: whose a video is, the store says."""

from __future__ import annotations

import html
from collections.abc import AsyncGenerator
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import gradio as gr
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from videomind.errors import VideoMindError
from videomind.serve.asked import Ask
from videomind.serve.caller import Caller
from videomind.serve.desk import Desk
from videomind.serve.errors import Refused
from videomind.serve.page.asking import Stops, tell
from videomind.serve.page.assets import value_text
from videomind.serve.page.film import SHOWN, film_value, no_film
from videomind.serve.page.sample import NAME, sample_video
from videomind.serve.page.shelf import shelf_value
from videomind.serve.page.subtitles import subtitle_text
from videomind.serve.page.suggestions import EMBEDDED, suggestions
from videomind.serve.page.telling import Telling
from videomind.serve.page.view import View
from videomind.serve.page.words import span_text
from videomind.serve.state import State
from videomind.serve.store.library import VideoFile

TITLE = 80
"""Characters of the first question that name a conversation."""
RECENT = 4
"""Videos to pick from where none is shown."""
LONGEST = 4000
"""Characters of a question."""
M = TypeVar("M", bound=BaseModel)


class Shown(NamedTuple):
    """New values of the components, in the order in which the page lists them; by default one stays as it is."""

    view: Any = gr.skip()
    film: Any = gr.skip()
    chat: Any = gr.skip()
    shelf: Any = gr.skip()
    about: Any = gr.skip()
    tries: Any = gr.skip()
    question: Any = gr.skip()
    ask: Any = gr.skip()
    stop: Any = gr.skip()


class Chosen(BaseModel):
    """An entry of the shelf, or an uploaded video."""

    id: str = Field(max_length=64)


class Renamed(Chosen):
    """A conversation's new name."""

    title: str = Field(min_length=1, max_length=TITLE)


class Part(BaseModel):
    """A part of the video, in seconds."""

    start: float = Field(ge=0, allow_inf_nan=False)
    end: float = Field(ge=0, allow_inf_nan=False)


class Handlers:
    """Args:
    state: the server's store, and the model once it is loaded.
    """

    def __init__(self, state: State) -> None:
        self._state, self._services = state, state.services
        self._stops = Stops()

    def load(self, request: gr.Request) -> Shown:
        """What the address names: a conversation, a video, or nothing yet."""
        wanted, who = request.query_params, self._who(request)
        try:
            if conversation := wanted.get("c"):
                return self._conversation(who, conversation)
            if video := wanted.get("v"):
                return self._video(who, video)
        except Refused:
            pass
        return self._show(who, View(), None, [])

    def roles(self) -> tuple[Any, Any]:
        """The roles that can be chosen, and whether options can: those of the model, as soon as it is there."""
        roles = self._model()[1]
        if not roles:
            return gr.skip(), gr.skip()
        return gr.update(choices=list(roles), value=list(roles)), gr.update(visible="answerer" in roles)

    def new_video(self, request: gr.Request) -> Shown:
        """Back to the place where a video is dropped."""
        return self._show(self._who(request), View(), None, [])

    def open_video(self, event: gr.EventData, request: gr.Request) -> Shown:
        """A video that was uploaded just now or before, and a new conversation about it."""
        try:
            return self._video(self._who(request), _sent(Chosen, event).id)
        except VideoMindError as error:
            raise _told(error) from None

    async def open_sample(self, request: gr.Request) -> Shown:
        """The sample video, put into the library."""
        who = self._who(request)
        try:
            video = await self._services.media.receive(who.owner, NAME, sample_video())
            return await run_in_threadpool(self._video, who, video.id)
        except VideoMindError as error:
            raise _told(error) from None

    def open_conversation(self, event: gr.EventData, request: gr.Request) -> Shown:
        """A conversation of before, with the evidence of its last answer."""
        try:
            return self._conversation(self._who(request), _sent(Chosen, event).id)
        except VideoMindError as error:
            raise _told(error) from None

    def rename_conversation(self, view: View, event: gr.EventData, request: gr.Request) -> Shown:
        """Another name on the shelf."""
        who, renamed = self._who(request), _sent(Renamed, event)
        try:
            self._services.conversations.rename(who.owner, renamed.id, renamed.title)
        except VideoMindError as error:
            raise _told(error) from None
        return Shown(shelf=shelf_value(self._services, who.owner, view))

    def remove_conversation(self, view: View, event: gr.EventData, request: gr.Request) -> Shown:
        """Forget it; if it is shown, its video stays for a new one."""
        who, chosen = self._who(request), _sent(Chosen, event)
        try:
            self._services.conversations.remove(who.owner, chosen.id)
            if view.conversation == chosen.id:
                return self._video(who, view.video) if view.video else self._show(who, View(), None, [])
        except VideoMindError as error:
            raise _told(error) from None
        return Shown(shelf=shelf_value(self._services, who.owner, view))

    def remove_video(self, view: View, event: gr.EventData, request: gr.Request) -> Shown:
        """Take it out of the library; what was said about it stays."""
        who, chosen = self._who(request), _sent(Chosen, event)
        try:
            self._services.library.remove(who.owner, chosen.id)
        except VideoMindError as error:
            raise _told(error) from None
        if view.video == chosen.id:
            return self._show(who, View(), None, [])
        return Shown(shelf=shelf_value(self._services, who.owner, view))

    def recall(self, view: View, event: gr.SelectData, request: gr.Request) -> Shown:
        """The evidence of the turn whose message was clicked."""
        who = self._who(request)
        if not view.conversation or not view.video:
            return Shown()
        try:
            video = self._services.library.get(who.owner, view.video)
            tellings = self._tellings(who, view.conversation)
        except VideoMindError as error:
            raise _told(error) from None
        place = event.index[0] if isinstance(event.index, list | tuple) else event.index
        owners = list(chain.from_iterable([telling] * len(telling.messages()) for telling in tellings))
        if not isinstance(place, int) or not 0 <= place < len(owners) or owners[place].result is None:
            return Shown()
        return Shown(film=self._film(video, owners[place], play=True))

    def ask_about(self, view: View, event: gr.EventData) -> Shown:
        """From now on questions are about this part."""
        part = _sent(Part, event)
        span = (part.start, part.end)
        return Shown(view=View(view.video, view.conversation, span), about=_about(span))

    def ask_about_all(self, view: View) -> Shown:
        """From now on questions are about the whole video again."""
        return Shown(view=View(view.video, view.conversation), about=_about(None))

    async def ask(
        self,
        question: str,
        options: str | None,
        roles: list[str],
        top_k: float,
        every: bool,
        subtitles: object,
        view: View,
        request: gr.Request,
    ) -> AsyncGenerator[Shown]:
        """Ask, and tell what happens."""
        if not question.strip():
            return
        who, services = self._who(request), self._services
        known = self._model()[1]
        try:
            asked = Ask(
                question=question.strip()[:LONGEST],
                options=tuple(line.strip() for line in (options or "").splitlines() if line.strip()),
                roles=None if not roles or set(roles) == set(known) else tuple(roles),
                every=every,
                top_k=min(SHOWN, max(1, int(top_k))),
                span=view.span,
                subtitles=subtitle_text(subtitles),
            )
            desk = self._state.running.desk
            video = await run_in_threadpool(services.library.get, who.owner, view.video)
            view = await run_in_threadpool(self._in_conversation, who, video, view, asked.question)
            earlier = await run_in_threadpool(self._tellings, who, view.conversation)
        except VideoMindError as error:
            raise _told(error) from None
        async for shown in self._tell(desk, who, video, asked, view, earlier, request.session_hash or ""):
            yield shown

    async def _tell(
        self, desk: Desk, who: Caller, video: VideoFile, asked: Ask, view: View, earlier: list[Telling], session: str
    ) -> AsyncGenerator[Shown]:
        before = [message for telling in earlier for message in telling.messages()]
        shelf = await run_in_threadpool(shelf_value, self._services, who.owner, view)
        extra = Shown(view=view, shelf=shelf, tries=_tries(()), question="", ask=_visible(False), stop=_visible(True))
        with self._stops.listening(session) as stop:
            async for telling in tell(desk, who, video, asked, view.conversation, stop):
                film = self._film(video, telling, play=True)
                yield extra._replace(chat=before + telling.messages(), film=film)
                extra = Shown()
        yield Shown(ask=_visible(True), stop=_visible(False))

    def stop(self, request: gr.Request) -> None:
        """End what this tab asked."""
        self._stops.stop(request.session_hash or "")

    def _who(self, request: gr.Request) -> Caller:
        assert request.request is not None
        who: Caller = request.request.state.caller
        return who

    def _model(self) -> tuple[str, tuple[str, ...]]:
        """Name and roles; ("", ()) while it loads."""
        try:
            agent = self._state.running.agent
        except Refused:
            return "", ()
        return agent.bundle.manifest.name, agent.roles

    def _video(self, who: Caller, file_id: str) -> Shown:
        video = self._services.library.get(who.owner, file_id)
        return self._show(who, View(video.id), video, [])

    def _conversation(self, who: Caller, conversation_id: str) -> Shown:
        conversation = self._services.conversations.get(who.owner, conversation_id)
        tellings = self._tellings(who, conversation_id)
        video = self._services.library.get(who.owner, conversation.file_id) if conversation.file_id else None
        return self._show(who, View(conversation.file_id or "", conversation_id), video, tellings)

    def _tellings(self, who: Caller, conversation_id: str) -> list[Telling]:
        return [Telling.of_turn(turn) for turn in self._services.conversations.turns(who.owner, conversation_id)]

    def _in_conversation(self, who: Caller, video: VideoFile, view: View, question: str) -> View:
        """The view with a conversation in it; a new one is named after the question."""
        if view.conversation:
            return view
        started = self._services.conversations.start(who.owner, video, question[:TITLE])
        return View(view.video, started.id, view.span)

    def _show(self, who: Caller, view: View, video: VideoFile | None, tellings: list[Telling]) -> Shown:
        answered = next((telling for telling in reversed(tellings) if telling.result is not None), None)
        model, roles = self._model()
        return Shown(
            view=view,
            film=self._no_film(who) if video is None else self._film(video, answered),
            chat=[message for telling in tellings for message in telling.messages()],
            shelf=shelf_value(self._services, who.owner, view),
            about=_about(None),
            tries=_tries(suggestions(model, roles) if video is not None and not tellings else ()),
            question=gr.update(value="", interactive=video is not None),
            ask=_visible(True),
            stop=_visible(False),
        )

    def _no_film(self, who: Caller) -> str:
        recent = self._services.library.entries(who.owner, RECENT)
        return value_text(no_film(recent, sample=self._model()[0] == EMBEDDED))

    def _film(self, video: VideoFile, telling: Telling | None, play: bool = False) -> str:
        return value_text(film_value(video, telling, play, answers="answerer" in self._model()[1]))


def _sent(model: type[M], event: gr.EventData) -> M:
    """What a component of ours sent with its event."""
    try:
        return model.model_validate(event._data)
    except ValidationError:
        raise gr.Error("The page sent something it should not: reload it.", print_exception=False) from None


def _told(error: VideoMindError) -> gr.Error:
    """As Gradio shows it: it would take the text for HTML."""
    return gr.Error(html.escape(str(error)[:1].upper() + str(error)[1:]), print_exception=False)


def _visible(visible: bool) -> Any:
    return gr.update(visible=visible)


def _about(span: tuple[float, float] | None) -> Any:
    """The button that says which part is asked about, and forgets it when pressed."""
    if span is None:
        return gr.update(visible=False)
    return gr.update(value=f"About {span_text(*span)}  ✕", visible=True)


def _tries(questions: tuple[str, ...]) -> Any:
    return gr.update(samples=[[question] for question in questions], visible=bool(questions))
