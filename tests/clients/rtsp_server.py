"""An RTSP server that nobody of this project wrote: GStreamer's. Prints its port, then serves until it is killed.

/h264, /h265: moving test pictures, a key frame a second. /sound: H.264 with AAC. /mjpeg: motion JPEG.
"""

import os

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PICTURES = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1"
H264 = f"{PICTURES} ! x264enc tune=zerolatency key-int-max=25 bitrate=300 ! rtph264pay name=pay0 pt=96 config-interval=-1"
H265 = (
    f"{PICTURES} ! x265enc tune=zerolatency key-int-max=25 bitrate=300 option-string=bframes=0"
    " ! rtph265pay name=pay0 pt=96 config-interval=-1"
)
MJPEG = f"{PICTURES},format=I420 ! jpegenc ! rtpjpegpay name=pay0 pt=26"


def sound():
    """The first AAC encoder that is installed."""
    for encoder in ("voaacenc", "avenc_aac", "fdkaacenc", "faac"):
        if Gst.ElementFactory.find(encoder):
            return f" audiotestsrc is-live=true ! audioconvert ! {encoder} ! aacparse ! rtpmp4gpay name=pay1 pt=97"
    return ""


def main():
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    mounts = server.get_mount_points()
    for path, launch in {"/h264": H264, "/h265": H265, "/mjpeg": MJPEG, "/sound": H264 + sound()}.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {launch} )")
        factory.set_shared(True)
        mounts.add_factory(path, factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    # Whoever started it is gone: so is it.
    parent = os.getppid()
    GLib.timeout_add_seconds(1, lambda: os.getppid() == parent or os._exit(0))
    GLib.MainLoop().run()


main()
