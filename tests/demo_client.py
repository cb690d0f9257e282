"""A visitor without a browser: speaks to a running demo as Streamlit's own page does."""

import time
import uuid
from typing import Any
from urllib.request import Request, urlopen

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

__all__ = ["Client"]


class Client:
    """One session.

    Parameters
    ----------
    address
        Of the demo.
    seconds
        To wait for any answer.
    """

    def __init__(self, address: str, seconds: float = 120) -> None:
        self.address, self.seconds = address, seconds
        self.widgets: dict[str, WidgetState] = {}
        self.socket = connect(
            address.replace("http", "ws") + "/_stcore/stream",
            subprotocols=["streamlit"], max_size=None,
        )  # fmt: skip
        with urlopen(f"{address}/_stcore/health", timeout=seconds) as response:
            cookie = response.headers["Set-Cookie"]
        self.token = cookie.partition("_streamlit_xsrf=")[2].partition(";")[0].strip('"')
        self.session = ""
        self.elements: dict[tuple[int, ...], Any] = {}
        self.fragments: dict[str, str] = {}
        self.run()

    def close(self) -> None:
        """Leave."""
        self.socket.close()

    def run(self, fragment: str = "") -> float:
        """Run the script, or a fragment of it, and return how many seconds that took."""
        message = BackMsg()
        message.rerun_script.widget_states.widgets.extend(self.widgets.values())
        message.rerun_script.fragment_id = fragment
        began = time.perf_counter()
        self.socket.send(message.SerializeToString())
        while True:
            answer = self._receive()
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self.session = answer.new_session.initialize.session_id or self.session
                if not fragment:
                    self.elements.clear()
            elif kind == "delta" and answer.delta.HasField("new_element"):
                self._take(answer)
            elif kind == "script_finished":
                return time.perf_counter() - began

    def _receive(self) -> ForwardMsg:
        content = self.socket.recv(self.seconds)
        answer = ForwardMsg()
        answer.ParseFromString(content)
        return answer

    def _take(self, answer: ForwardMsg) -> None:
        place = tuple(answer.metadata.delta_path)
        element = answer.delta.new_element
        value = getattr(element, element.WhichOneof("type"))
        self.elements[place] = value
        if answer.delta.fragment_id and hasattr(value, "id"):
            self.fragments[value.id] = answer.delta.fragment_id

    def find(self, kind: str, text: str = "") -> Any:
        """Return the first element of a kind (of message) that says something, or None."""
        return next(
            (
                one
                for _, one in sorted(self.elements.items())
                if type(one).__name__ == kind and text in str(one)
            ),
            None,
        )

    def slide(self, label: str, value: float) -> float:
        """Move a slider, and return how many seconds the page took to follow."""
        slider = self.find("Slider", label)
        state = WidgetState(id=slider.id)
        state.double_array_value.data[:] = [value]
        self.widgets[slider.id] = state
        return self.run(self.fragments.get(slider.id, ""))

    def choose(self, label: str, option: str) -> None:
        """Press one of a row of buttons."""
        group = self.find("ButtonGroup", label)
        state = WidgetState(id=group.id)
        state.string_array_value.data[:] = [
            one.content for one in group.options if one.content.endswith(option)
        ]
        self.widgets[group.id] = state
        self.run()

    def upload(self, content: bytes, name: str) -> int:
        """Upload a file into the first widget for it, and return the HTTP status."""
        widget = self.find("FileUploader")
        message = BackMsg()
        message.file_urls_request.request_id = uuid.uuid4().hex
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        self.socket.send(message.SerializeToString())
        while (answer := self._receive()).WhichOneof("type") != "file_urls_response":
            pass
        urls = answer.file_urls_response.file_urls[0]
        mark = uuid.uuid4().hex
        body = (
            (
                f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            ).encode()
            + content
            + f"\r\n--{mark}--\r\n".encode()
        )
        request = Request(
            self.address + urls.upload_url, body, method="PUT",
            headers={
                "Content-Type": f"multipart/form-data; boundary={mark}",
                "X-Xsrftoken": self.token,
                "Cookie": f"_streamlit_xsrf={self.token}",
            },
        )  # fmt: skip
        with urlopen(request, timeout=self.seconds) as response:
            status = int(response.status)
        state = WidgetState(id=widget.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = urls.file_id, name, len(content)
        info.file_urls.CopyFrom(urls)
        self.widgets[widget.id] = state
        self.run()
        del self.widgets[widget.id]
        return status
