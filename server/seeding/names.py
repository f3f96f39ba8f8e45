"""First and last names of made-up children, of several languages."""

FIRST = (
    "Mia Noor Lia Amir Yusuf Fatima Omar Aisha Mariam Marta Marco Maria Martin Ali Ahmed Mohamed"
    " Ibrahim Sara Zoe Emma Louis Hugo Lina Adam Jana Ivan Olga Petra Nina Karim"
).split()
LAST = (
    "Castellane Haddadin Diallo Traore Keita Sow Barry Nguyen Tran Silva Costa Santos Petrov Ivanov"
    " Novak Horvat Kovac Hassan Hussein Mahmoud Khalil Osman Yilmaz Demir Kaya Ahmadi Rahimi"
).split()
