"""BaseLogger, ProgbarLogger's arguments, LambdaCallback, CSVLogger and RemoteMonitor."""

import http.server
import json
import threading
import urllib.parse

import numpy as np
import pytest

from hornbeam.training.callbacks import BaseLogger, CSVLogger, LambdaCallback, ProgbarLogger, RemoteMonitor


def test_the_averages_of_a_hand_written_loop():
    logger = BaseLogger(stateful_metrics=["recall"])
    logger.on_epoch_begin(0)
    logger.on_batch_end(0, {"batch": 0, "size": 3, "loss": 1.0, "recall": 0.1})
    logger.on_batch_end(1, {"batch": 1, "size": 1, "loss": 5.0, "recall": 0.2})
    logs = {"val_loss": 9.0}
    logger.on_epoch_end(0, logs)
    assert logs == {"val_loss": 9.0, "loss": 2.0, "recall": 0.2}  # (3 * 1 + 1 * 5) / 4


def test_the_trainers_exact_averages_stand():
    logger = BaseLogger()
    logger.on_batch_end(0, {"size": 2, "loss": 1.0})
    logs = {"loss": 7.0}
    logger.on_epoch_end(0, logs)
    assert logs == {"loss": 7.0}


def test_what_a_progress_line_can_count():
    with pytest.raises(ValueError, match="count_mode must be 'samples' or 'steps'; got 'batches'"):
        ProgbarLogger("batches")


def test_functions_become_hooks():
    seen = []
    callback = LambdaCallback(
        lambda epoch, logs: seen.append(("begin", epoch)), on_progress=lambda n, logs: seen.append(n), weight=3
    )
    callback.on_epoch_begin(1, {})
    callback.on_epoch_end(1, {})
    callback.on_progress(64, {})
    assert seen == [("begin", 1), 64]
    assert callback.weight == 3


def test_a_hook_there_is_not():
    with pytest.raises(TypeError, match="takes no argument 'on_epoch_ended'. Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ended=print)


def write(path, epochs, logs, **settings):
    logger = CSVLogger(path, **settings)
    logger.on_train_begin()
    for epoch in range(epochs):
        logger.on_epoch_end(epoch, logs(epoch))
        assert path.read_text().count("\n") >= epoch + 1, "a row is there as soon as its epoch ended"
    logger.on_train_end()
    return logger


def test_a_csv_file(tmp_path):
    path = tmp_path / "log.csv"
    write(path, 2, lambda epoch: {"loss": np.float32(0.5), "acc": epoch / 4, "sizes": np.array([1, 2])})
    assert path.read_text() == 'epoch,acc,loss,sizes\n0,0.0,0.5,"[1, 2]"\n1,0.25,0.5,"[1, 2]"\n'


def test_a_number_that_is_not_there_is_NA(tmp_path):
    path = tmp_path / "log.csv"
    write(path, 2, lambda epoch: {"loss": 1.0, **({} if epoch else {"val_loss": 2.0})}, separator=";")
    assert path.read_text() == "epoch;loss;val_loss\n0;1.0;2.0\n1;1.0;NA\n"


def test_a_csv_file_is_replaced_or_continued(tmp_path):
    path = tmp_path / "log.csv"
    write(path, 1, lambda epoch: {"loss": 1.0, "acc": 0.5})
    write(path, 1, lambda epoch: {"acc": 0.75, "loss": 2.0, "new": 9.0}, append=True)
    assert path.read_text() == "epoch,acc,loss\n0,0.5,1.0\n0,0.75,2.0\n", "the columns stay those of the file"
    logger = write(path, 1, lambda epoch: {"loss": 3.0})
    assert path.read_text() == "epoch,loss\n0,3.0\n"
    logger.on_train_begin()  # a second fit with the same object
    logger.on_epoch_end(1, {"loss": 4.0})
    logger.on_train_end()
    assert path.read_text() == "epoch,loss\n0,3.0\n1,4.0\n"


@pytest.fixture
def server(monkeypatch):
    """A server that keeps what it is sent, however late its thread is."""
    monkeypatch.setattr(RemoteMonitor, "TIMEOUT_S", 600)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    received = []
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", received
        listening.shutdown()
        thread.join()


def test_a_server_is_told_with_a_form(server):
    root, received = server
    RemoteMonitor(root, headers={"X-Run": "7"}).on_epoch_end(3, {"loss": np.float32(0.5)})
    ((path, headers, body),) = received
    assert path == "/publish/epoch/end/"
    assert headers["X-Run"] == "7"
    assert json.loads(urllib.parse.parse_qs(body)["data"][0]) == {"epoch": 3, "loss": 0.5}


def test_a_server_is_told_with_json(server):
    root, received = server
    RemoteMonitor(root, "/x", send_as_json=True).on_epoch_end(0, {"loss": 1.0})
    ((path, headers, body),) = received
    assert (path, headers["Content-Type"], json.loads(body)) == ("/x", "application/json", {"epoch": 0, "loss": 1.0})


def test_a_server_that_is_not_there_does_not_stop_training():
    with pytest.warns(UserWarning, match="RemoteMonitor could not reach http://127.0.0.1:1/"):
        RemoteMonitor("http://127.0.0.1:1").on_epoch_end(0, {})


def test_only_web_addresses():
    with pytest.raises(ValueError, match="root must be an address such as"):
        RemoteMonitor("file:///etc")
