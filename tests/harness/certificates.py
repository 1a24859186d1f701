"""A certificate authority of the test run, and one that nobody trusts."""

import subprocess


def _openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_authority(folder, name):
    _openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30",
             "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
             "-keyout", f"{name}.key", "-out", f"{name}.pem")
    return folder / f"{name}.pem"


def make_leaf(folder, authority, name, usage="serverAuth,clientAuth"):
    """Key and certificate for localhost, signed by the authority."""
    _openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
             "-keyout", f"{name}.key", "-out", f"{name}.csr")
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage={usage}\n")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
             f"{authority}.key", "-CAcreateserial", "-days", "30", "-sha256", "-extfile",
             extensions.name, "-out", f"{name}.pem")
    # Java's PEM stores want a PKCS#8 key and the chain in one file.
    _openssl(folder, "pkcs8", "-topk8", "-nocrypt", "-in", f"{name}.key", "-out", f"{name}.pk8")
    store = (folder / f"{name}.pk8").read_text() + (folder / f"{name}.pem").read_text() + \
            (folder / f"{authority}.pem").read_text()
    (folder / f"{name}.store.pem").write_text(store)
