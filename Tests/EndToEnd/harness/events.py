"""WeCom's side of a callback, written from its documentation alone: signs, encrypts, sends."""
import base64
import hashlib
import os
import struct
import time
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .browser import Browser
from .simulator import CORP

TOKEN = "Menwei4Events"
#: The last of 43 characters carries bits that belong to nobody, as in most of WeCom's own.
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"

#: For a connection of the configuration, and what the gateway's environment then has to hold.
PAIR = {"token": {"env": "CALLBACK_TOKEN"}, "aes_key": {"env": "CALLBACK_KEY"}}
ENVIRONMENT = {"CALLBACK_TOKEN": TOKEN, "CALLBACK_KEY": AES_KEY}


class Events:
    def __init__(self, gateway, connection="corp", corp=CORP, token=TOKEN, key=AES_KEY):
        self.gateway, self.connection, self.corp, self.token, self.key = gateway, connection, corp, token, base64.b64decode(key + "=")
        self.browser = Browser(gateway, "Mozilla/4.0")

    @property
    def url(self):
        return f"{self.gateway.auth}/.menwei/events/{self.connection}"

    def encrypt(self, message, receiver=None, pad=None):
        message = message.encode() if isinstance(message, str) else message
        plain = os.urandom(16) + struct.pack(">I", len(message)) + message + (self.corp if receiver is None else receiver).encode()
        count = 32 - len(plain) % 32
        plain += bytes([count]) * count if pad is None else pad(count)
        encryptor = Cipher(algorithms.AES(self.key), modes.CBC(self.key[:16])).encryptor()
        return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()

    def query(self, encrypted, timestamp=None, nonce=None, **more):
        timestamp, nonce = str(int(time.time()) if timestamp is None else timestamp), nonce or os.urandom(5).hex()
        signature = hashlib.sha1("".join(sorted([self.token, timestamp, nonce, encrypted])).encode()).hexdigest()
        return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce, **more}

    def check(self, text="1616140317555161061", change=lambda query: None, **how):
        """What WeCom does when the address is saved."""
        encrypted = self.encrypt(text, **how)
        query = self.query(encrypted, echostr=encrypted)
        change(query)
        return self.browser.request("GET", self.url + "?" + urlencode(query, quote_via=quote))

    def post(self, query, body):
        return self.browser.request("POST", self.url + "?" + urlencode(query), headers={"Content-Type": "text/xml"}, body=body)

    def send(self, message, change=lambda query: None, json=False, timestamp=None, **how):
        encrypted = self.encrypt(message, **how)
        query = self.query(encrypted, timestamp)
        change(query)
        if json:
            return self.post(query, ('{"tousername":"%s","encrypt":"%s","agentid":0}' % (self.corp, encrypted)).encode())
        return self.post(query, f"<xml><ToUserName><![CDATA[{self.corp}]]></ToUserName><AgentID><![CDATA[0]]></AgentID><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode())

    def event(self, event, sender="sys", **members):
        """The text of an event."""
        members = {"ToUserName": self.corp, "FromUserName": sender, "CreateTime": int(time.time()), "MsgType": "event", "Event": event, **members}
        return "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in members.items()) + "</xml>"

    def contact(self, change, **members):
        """Sends a change of the directory, as WeCom does to 通讯录同步."""
        answer = self.send(self.event("change_contact", ChangeType=change, **members))
        assert answer.status == 200 and answer.body == b"", (answer.status, answer.body)
        return answer
